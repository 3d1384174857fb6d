"""`prowless check-config` and `prowless jobs` on real files: what they print and how they end."""

import json

import pytest

from prowless_local import cli

SETTINGS = "clusters: {default: {server: https://k8s.example}}\n"
SPEC = "{containers: [{image: busybox, command: [make]}]}"
DECORATED = "decorate_all_jobs: true\n"
JOBS = f"""
presubmits:
  acme/app:
  - {{name: unit, always_run: true, spec: {SPEC}}}
  - {{name: docs, run_if_changed: ^docs/, skip_branches: [^old$], spec: {SPEC}}}
  - {{name: manual, optional: true, branches: [main], spec: {SPEC}}}
postsubmits:
  acme/app:
  - {{name: image, spec: {SPEC}}}
  - {{name: site, skip_if_only_changed: ^src/, spec: {SPEC}}}
  - {{name: never, always_run: false, spec: {SPEC}}}
periodics:
- {{name: nightly, cron: "@daily", extra_refs: [{{org: acme, repo: app, base_ref: main}}], spec: {SPEC}}}
- {{name: hourly, interval: 1h, spec: {SPEC}}}
"""
IN_REPO = "decorate_all_jobs: true\nin_repo_config: {enabled: {acme: true}}\n"


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path, {"config.yaml": IN_REPO, "prowless.yaml": SETTINGS, "jobs/app.yaml": JOBS})


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def prowless(capsys):
    def run(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        return code, capsys.readouterr().out

    return run


@pytest.fixture
def checked(prowless):
    def run(*arguments):
        code, out = prowless("check-config", *arguments, "--format", "json")
        found = json.loads(out)
        found["lines"] = [f"{one['level']}: {one['at']}: {one['text']}" for one in found["findings"]]
        return code, found

    return run


def test_a_good_configuration_is_counted(folder, prowless):
    code, out = prowless("check-config", folder)
    assert code == 0
    assert out.splitlines() == [
        "files         3",
        "jobs          8 (3 presubmits, 3 postsubmits, 2 periodics)",
        "repositories  1",
        "clusters      default 8",
        "result        0 errors, 0 warnings, 0 notes",
    ]


def test_all_problems_are_told_at_once_with_file_and_line(folder, prowless):
    write(folder, {"jobs/app.yaml": JOBS.replace("@daily", "daily"), "jobs/bad.yaml": "a: [", "plugins.yaml": "- a"})
    code, out = prowless("check-config", folder)
    assert code == 1
    lines = out.splitlines()
    assert lines[0].startswith(f"error: {folder}/jobs/bad.yaml:2: not YAML")
    assert lines[1].startswith(f"error: {folder}/plugins.yaml: plugins configuration: expected a mapping")
    assert lines[2].startswith(f"error: {folder}/jobs/app.yaml:13: invalid cron string daily in periodic nightly")
    assert lines[3:] == ["files         4", "result        3 errors, 0 warnings, 0 notes"]


def test_warnings_are_errors_only_if_strict(folder, checked):
    write(folder, {"jobs/more.yaml": f"periodics:\n- {{name: a, interval: 1h, tag: [x], spec: {SPEC}}}\n"})
    warning = f"{folder}/jobs/more.yaml:2: unknown field 'tag' in periodic a; did you mean 'tags'?"
    code, found = checked(folder)
    assert (code, found["lines"]) == (0, [f"warning: {warning}"])
    code, found = checked(folder, "--strict")
    assert (code, found["lines"]) == (1, [f"error: {warning}"])


def test_what_is_valid_in_prow_and_not_provided_here_is_a_note_also_if_strict(folder, prowless):
    write(
        folder,
        {"config.yaml": f"{DECORATED}tide: {{sync_period: 1m}}\n", "plugins.yaml": "plugins: {acme: [trigger, lgtm]}"},
    )
    code, out = prowless("check-config", folder, "--strict")
    assert code == 0
    assert out.splitlines()[:2] == [
        f"note: {folder}/plugins.yaml:1: plugin lgtm is not provided",
        f"note: {folder}/config.yaml:2: tide is read and not acted on",
    ]


def test_a_configuration_of_prow_alone_passes_strict_without_our_settings(folder, checked):
    (folder / "prowless.yaml").unlink()
    code, found = checked(folder, "--strict")
    assert (code, [one["level"] for one in found["findings"]]) == (0, ["note"])
    assert "cluster 'default' is not configured" in found["findings"][0]["text"]
    assert found["summary"]["cannot_run"] == {"jobs": 8, "reasons": {"cluster 'default' is not configured": 8}}


def test_jobs_that_cannot_run_are_warnings_beside_our_settings_and_lead_the_summary(folder, prowless):
    write(folder, {"jobs/more.yaml": "presubmits:\n  acme/app:\n  - {name: a, agent: jenkins}\n"})
    more = folder / "jobs/more.yaml"
    code, out = prowless("check-config", folder)
    first, second, *_ = out.splitlines()
    assert (code, first) == (
        0,
        f"warning: {more}:3: no engine runs agent 'jenkins': runs of such jobs end in an error [cannot-run]",
    )
    assert second == "1 of 9 jobs cannot run here yet: no engine runs agent 'jenkins' (1)"
    assert "0 errors, 1 warning, 0 notes" in out
    assert prowless("check-config", folder, "--strict")[0] == 1


def test_a_warning_is_printed_with_its_name_and_can_be_excluded_or_asked_for_alone(folder, prowless):
    write(folder, {"config.yaml": "job: {}\n"})
    code, out = prowless("check-config", folder)
    unknown, bare, *_ = out.splitlines()
    assert (code, unknown) == (
        0,
        f"warning: {folder}/config.yaml:1: unknown field 'job' in config [unknown-fields]",
    )
    assert bare.startswith(f"warning: {folder}/jobs/app.yaml:4: the following jobs use the kubernetes provider but do")
    assert bare.endswith(": [unit docs manual image site never nightly hourly] [non-decorated-jobs]")
    for arguments, names in [
        (["--exclude-warning", "non-decorated-jobs"], {"unknown-fields"}),
        (["--warnings", "non-decorated-jobs"], {"non-decorated-jobs"}),
        (["--warnings", "unknown-fields-all"], {"unknown-fields"}),
        (["--warnings", "valid-decoration-config"], set()),
        (
            ["--warnings", "valid-decoration-config", "--include-default-warnings"],
            {"unknown-fields", "non-decorated-jobs"},
        ),
    ]:
        code, out = prowless("check-config", folder, *arguments, "--format", "json")
        assert {one["name"] for one in json.loads(out)["findings"]} == names


def test_a_warning_of_prow_that_is_not_provided_is_accepted_and_told(folder, checked):
    code, found = checked(folder, "--warnings", "mismatched-tide", "--exclude-warning", "validate-owners")
    assert (code, found["lines"]) == (0, ["note: : warning mismatched-tide is not provided: it is about Tide"])


def test_a_job_that_prepare_would_refuse_is_told_with_its_line(folder, checked):
    bad = SPEC.replace("{containers", "{hostNetwork: true, containers")
    write(folder, {"jobs/more.yaml": f"periodics:\n- {{name: a, interval: 1h, spec: {bad}}}\n"})
    code, found = checked(folder)
    ((name, line),) = [(one["name"], one["at"]) for one in found["findings"]]
    assert (code, name, line) == (0, "manifest-policy", f"{folder}/jobs/more.yaml:2")
    assert checked(folder, "--strict")[0] == 1
    own = write(folder / "own", {".prow.yaml": f"presubmits:\n- {{name: b, spec: {bad}}}\n"})
    places = [one["at"] for one in checked(folder, "--in-repo", "acme/app", own)[1]["findings"]]
    assert places == [f"{folder}/jobs/more.yaml:2", f"{own}/.prow.yaml:2"]


def test_annotations_that_every_job_must_have(folder, checked):
    code, found = checked(folder, "--required-job-annotations", "owner", "--strict")
    assert code == 1
    assert found["lines"][0] == (f"error: {folder}/jobs/app.yaml:4: job 'unit' is missing required annotations: owner")


def test_the_parts_may_be_named_as_for_prows_checkconfig(folder, checked):
    (folder / "jobs").rename(folder / "elsewhere")
    (folder / "config.yaml").rename(folder / "prow-config.yaml")
    write(folder, {"p.yaml": "plugins: {acme: [trigger, heart]}"})
    code, found = checked(
        folder / "prowless.yaml",
        "--config-path",
        folder / "prow-config.yaml",
        "--job-config-path",
        folder / "elsewhere",
        "--plugin-config",
        folder / "p.yaml",
    )
    assert (code, found["summary"]["files"], found["summary"]["jobs"]["presubmits"]) == (0, 4, 3)
    assert found["lines"] == [f"note: {folder}/p.yaml:1: plugin heart is not provided"]


def test_several_folders_and_files_are_one_configuration(folder, checked, tmp_path):
    more = write(tmp_path / "more", {"x/more.yaml": f"periodics: [{{name: a, interval: 1h, spec: {SPEC}}}]"})
    single = write(tmp_path / "single", {"one.yaml": f"periodics: [{{name: b, interval: 1h, spec: {SPEC}}}]"})
    code, found = checked(folder, more, single / "one.yaml")
    assert (code, found["summary"]["jobs"]["periodics"]) == (0, 4)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["none"],
        ["{folder}", "--config-path", "none"],
        ["{folder}", "--config-path", "{folder}/prowless.yaml"],  # the folder has a config.yaml
        ["{folder}", "--in-repo", "acme", "{folder}/jobs/app.yaml"],
        ["{folder}", "--in-repo", "acme/app", "none"],
        ["{folder}", "--warnings", "unknown-fiels"],
        ["{folder}", "--exclude-warning", "none"],
    ],
)
def test_arguments_that_cannot_be_used_end_in_2(folder, prowless, arguments):
    code, out = prowless("check-config", *(argument.format(folder=folder) for argument in arguments))
    assert (code, out) == (2, "")


def test_an_in_repo_file_is_checked_against_the_configuration(folder, checked):
    own = write(folder / "own", {".prow.yaml": f"presubmits:\n- {{name: lint, brances: [x], spec: {SPEC}}}\n"})
    code, found = checked(folder, "--in-repo", "acme/app", own / ".prow.yaml")
    assert (code, found["summary"]["jobs"]["presubmits"], found["summary"]["repositories"]) == (0, 4, 1)
    assert found["lines"] == [
        f"warning: {own}/.prow.yaml:2: unknown field 'brances' in presubmit lint; did you mean 'branches'?"
    ]


def test_what_is_wrong_with_an_in_repo_file_is_told(folder, checked):
    own = write(folder / "own", {".prow/a.yaml": f"presubmits:\n- {{name: unit, cluster: big, spec: {SPEC}}}\n"})
    code, found = checked(folder, "--in-repo", "other/app", own)
    assert code == 1
    assert found["lines"] == [
        f'error: {own}/.prow/a.yaml:2: cluster "big" is not allowed for repository "other/app"',
        f"warning: {own}: in_repo_config.enabled does not hold for other/app: these jobs never run",
    ]
    assert found["summary"]["jobs"]["presubmits"] == 3


def test_jobs_are_listed_with_what_starts_them(folder, prowless):
    code, out = prowless("jobs", "--config", folder)
    assert code == 0
    header, *rows = out.splitlines()
    assert header.split() == ["TYPE", "REPOSITORY", "NAME", "RUNS", "BRANCHES", "CLUSTER", "SOURCE"]
    found = {row[header.index("NAME") : header.index("CLUSTER")].strip() for row in rows}
    assert {" ".join(cells.split()) for cells in found} == {
        "unit always all",
        "docs if changed ^docs/ all but ^old$",
        "manual /test manual (optional) main",
        "image always all",
        "site unless only changed ^src/ all",
        "never never all",
        "nightly cron @daily",
        "hourly interval 1h",
    }


def test_effective_values_of_one_repository(folder, prowless):
    write(
        folder, {"config.yaml": "decorate_all_jobs: true\nplank: {default_decoration_configs: {'*': {timeout: 1h}}}\n"}
    )
    code, out = prowless("jobs", "--config", folder, "--repo", "acme/app", "--format", "json")
    assert code == 0
    jobs = {job["name"]: job for job in json.loads(out)}
    assert set(jobs) == {"unit", "docs", "manual", "image", "site", "never", "nightly"}
    unit = jobs["unit"]
    assert (unit["type"], unit["repository"], unit["context"], unit["rerun_command"], unit["cluster"]) == (
        "presubmit",
        "acme/app",
        "unit",
        "/test unit",
        "default",
    )
    assert (unit["decorate"], unit["decoration_config"], unit["optional"]) == (True, {"timeout": "1h"}, False)
    assert jobs["nightly"]["extra_refs"] == [{"org": "acme", "repo": "app", "base_ref": "main"}]


def test_jobs_of_a_configuration_with_problems_are_not_listed(folder, prowless):
    write(folder, {"jobs/bad.yaml": "a: ["})
    assert prowless("jobs", "--config", folder) == (1, "")


@pytest.mark.parametrize("arguments", [["--config", "none"], [], ["--config", "{folder}", "--repo", "acme/none"]])
def test_jobs_that_cannot_be_asked_for_end_in_2(folder, prowless, arguments):
    code, out = prowless("jobs", *(argument.format(folder=folder) for argument in arguments))
    assert (code, out) == (2, "")
