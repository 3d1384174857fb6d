"""Tekton Pipelines: PipelineRuns and TaskRuns, as its controllers would run them."""
