"""A Kubernetes API subset in this process whose engines really execute what they are given.

`EmbeddedCluster` serves Workflows (Argo), PipelineRuns and TaskRuns (Tekton), Pods, Secrets and ConfigMaps on loopback,
to the official clients. What a user must know, and is told once through `on_note`:

- **Images are ignored** (unless the runner is docker or podman): a step's command runs as a process of this machine,
  with the programs on PATH. A container without a command fails, since its image's entrypoint is unknown.
- **Jobs have the user's rights**, network and files. Only trusted jobs should run here. The API listens on 127.0.0.1.
- **There is no mount namespace.** Each volume is a scratch directory; the mount paths of a pod's volumes are replaced
  by them in commands, arguments, scripts, environment values and the working directory. A working directory that is on
  no volume becomes a directory in scratch.
- The environment is what the container declares, with PATH, HOME (a scratch directory) and LANG.

What is not supported fails the run with a message that names it.
"""

from prowless_local.cluster.container_runner import ContainerRunner, EngineMissingError
from prowless_local.cluster.http_api import Fault, LoggedRequest
from prowless_local.cluster.kubeconfig import kubeconfig, write_kubeconfig
from prowless_local.cluster.process_runner import ProcessRunner
from prowless_local.cluster.runners import ContainerPlan, Exit, Runner, Scripted, ScriptedRunner
from prowless_local.cluster.server import EmbeddedCluster

__all__ = [
    "ContainerPlan",
    "ContainerRunner",
    "EmbeddedCluster",
    "EngineMissingError",
    "Exit",
    "Fault",
    "LoggedRequest",
    "ProcessRunner",
    "Runner",
    "Scripted",
    "ScriptedRunner",
    "kubeconfig",
    "write_kubeconfig",
]
