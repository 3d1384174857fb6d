"""Go's templates: what they write, what they refuse, and where they end."""

import pytest

from prowless.domain.gotemplate import TemplateError, execute, parse
from prowless.domain.gotemplate.evaluate import MAX_OUTPUT
from prowless.domain.gotemplate.lex import MAX_TEMPLATE
from prowless.domain.gotemplate.parse import MAX_DEPTH
from prowless.domain.gotemplate.values import Record

PULL = Record("v1.Pull", {"Number": 12, "Author": "ann"})
REFS = Record("v1.Refs", {"Org": "acme", "Repo": "app", "BaseSHA": "0123456789abcdef", "Pulls": [PULL]})
DATA = Record(
    "v1.ProwJob",
    {
        "Name": "id",
        "Labels": {"b": "2", "a": "1"},
        "Spec": Record("v1.ProwJobSpec", {"Type": "presubmit", "Job": "unit", "Refs": REFS, "Report": True}),
        "Status": Record("v1.ProwJobStatus", {"BuildID": "7", "Time": None}),
        "Empty": [],
        "Share": 1.5,
        "Nothing": None,
    },
)


def run(text, data=DATA):
    return execute(parse("T", text), data)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ("{{.Spec.Job}}/{{.Status.BuildID}}", "unit/7"),
        ("{{ .Spec.Refs.Org }}_{{$.Spec.Refs.Repo}}", "acme_app"),
        ("{{with index .Spec.Refs.Pulls 0}}{{.Number}}{{end}}", "12"),
        ("{{(index .Spec.Refs.Pulls 0).Author}}", "ann"),
        ('{{if eq .Spec.Type "batch"}}b{{else if eq .Spec.Type "presubmit"}}p{{else}}x{{end}}', "p"),
        ('{{if and (eq .Spec.Type "presubmit") (ne .Spec.Job "e2e")}}yes{{end}}', "yes"),
        ('{{if or (eq .Spec.Type "x") (eq .Spec.Type "y" "presubmit")}}yes{{end}}', "yes"),
        ("{{if not .Nothing}}none{{end}}", "none"),
        ("{{if .Spec.Refs}}refs{{end}}", "refs"),
        ("{{with .Nothing}}x{{else}}nothing{{end}}", "nothing"),
        ("{{with .Nothing}}x{{else with .Name}}{{.}}{{end}}", "id"),
        ('{{printf "%.7s" .Spec.Refs.BaseSHA}}', "0123456"),
        ('{{.Spec.Refs.BaseSHA | printf "%.3s" | len}}', "3"),
        ("{{range .Spec.Refs.Pulls}}[{{.Author}}]{{end}}", "[ann]"),
        ("{{range $i, $p := .Spec.Refs.Pulls}}{{$i}}{{$p.Number}}{{end}}", "012"),
        ("{{range $p := .Spec.Refs.Pulls}}{{$p.Number}}{{end}}", "12"),
        ("{{range $k, $v := .Labels}}{{$k}}={{$v};}}{{end}}", None),
        ("{{range $k, $v := .Labels}}{{$k}}={{$v}} {{end}}", "a=1 b=2 "),
        ("{{range .Empty}}x{{else}}none{{end}}", "none"),
        ("{{range .Nothing}}x{{else}}none{{end}}", "none"),
        ("{{range 3}}{{.}}{{end}}", "012"),
        ("{{range 9}}{{if eq . 1}}{{continue}}{{end}}{{if gt . 3}}{{break}}{{end}}{{.}}{{end}}", "023"),
        ("{{$x := 1}}{{if true}}{{$x = 2}}{{$y := 3}}{{$y}}{{end}}{{$x}}", "32"),
        ("{{$x := 0}}{{range $x = .Labels}}{{end}}{{$x}}", "2"),
        ("a {{- .Name -}} b", "aidb"),
        ("a {{/* no */}}b{{- /* no */ -}} c", "a bc"),
        ("{{define `x`}}<{{.}}>{{end}}{{template `x` .Name}}{{template `x`}}", "<id><<no value>>"),
        ("{{block `x` .Name}}<{{.}}>{{end}}", "<id>"),
        (r'{{"a\t\"\u00e9\x41\101"}}', 'a\t"éAA'),
        ("{{'a'}} {{0x10}} {{1.5}} {{-2}} {{true}}", "97 16 1.5 -2 true"),
        (
            "{{.Labels}} {{.Labels.none}} {{.Spec.Refs.Pulls}} {{.Status}}",
            "map[a:1 b:2] <no value> [{12 ann}] {7 <nil>}",
        ),
        ('{{html "<a>"}} {{js "a\'<b"}} {{urlquery "a b&c"}}', "&lt;a&gt; a\\'\\u003Cb a+b%26c"),
        ('{{print 1 2 "a" 3}} {{println 1 "a"}}', "1 2a3 1 a\n"),
        (
            '{{slice "abcdef" 1 3}} {{slice "abc" 1}} {{len .Labels}} {{index "a" 0}} {{index .Labels "a"}}',
            "bc bc 2 97 1",
        ),
        ("{{lt 1 2}}{{le 2 2}}{{gt 1 2}}{{ge 2 2}}{{eq 1 2 1}}{{ne 1 1}}", "truetruefalsetruetruefalse"),
        ("{{and 1 0 .Spec.Bad}}{{or 0 2 .Spec.Bad}}{{0 | or 0}}{{1 | and 2}}", "0201"),
        (
            '{{printf "%5d|%-5s|%05d|%q|%t|%v|%x|%X|%%" 7 "a" 42 "q" true nil 255 255}}',
            '    7|a    |00042|"q"|true|<nil>|ff|FF|%',
        ),
        ('{{printf "%.2f %d %d" .Share "a"}}', "1.50 %!d(string=a) %!d(MISSING)"),
        ('{{printf "x" 1 .Name}}', "x%!(EXTRA int=1, string=id)"),
    ],
)
def test_what_a_template_writes(text, expected):
    if expected is None:
        with pytest.raises(TemplateError):
            parse("T", text)
        return
    assert run(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{.Spec.Job", "template: T:1: unclosed action"),
        ("a\n{{.Spec.Job}", 'template: T:2: unexpected "}" in command'),
        ("{{}}", "template: T:1: missing value for command"),
        ("{{if}}x{{end}}", "template: T:1: missing value for if"),
        ("{{if .X}}", "template: T:1: unexpected EOF"),
        ("{{if .X}}{{else}}", "template: T:1: unexpected EOF"),
        ("{{end}}", "template: T:1: unexpected {{end}}"),
        ("{{if .X}}{{else}}{{else}}{{end}}", "template: T:1: unexpected {{else}} in else clause"),
        ("{{if .X}}{{else range .Y}}{{end}}", "template: T:1: unexpected <range> in else clause"),
        ("{{foo .X}}", 'template: T:1: function "foo" not defined'),
        ("{{call .X}}", 'template: T:1: function "call" not defined'),
        ("{{$x}}", 'template: T:1: undefined variable "$x"'),
        ("{{$x = 1}}", 'template: T:1: undefined variable "$x"'),
        ("{{if $x := 1}}{{end}}{{$x}}", 'template: T:1: undefined variable "$x"'),
        ('{{"a}}', "template: T:1: unterminated quoted string"),
        ("{{`a}}", "template: T:1: unterminated raw quoted string"),
        ("{{'a}}", "template: T:1: unterminated character constant"),
        (r"{{'\x41\x41'}}", r"template: T:1: malformed character constant: '\x41\x41'"),
        (r'{{"\z"}}', "template: T:1: invalid syntax"),
        (r'{{"\ud800"}}', "template: T:1: invalid syntax"),
        ("{{12q}}", 'template: T:1: bad number syntax: "12q"'),
        ("{{.X ! .Y}}", "template: T:1: unrecognized character in action: U+0021 '!'"),
        ("{{/* a", "template: T:1: unclosed comment"),
        ("{{/* a */ b}}", "template: T:1: comment ends before closing delimiter"),
        ("{{(.X}}", "template: T:1: unclosed left paren"),
        ("{{.X)}}", 'template: T:1: unexpected ")" in operand'),
        ("{{.X | }}", "template: T:1: missing value for command"),
        ("{{.X | 1}}", "template: T:1: non executable command in pipeline stage 2"),
        ("{{nil}}", "template: T:1: nil is not a command"),
        ("{{1.X}}", 'template: T:1: bad number syntax: "1.X"'),
        ('{{"a".X}}', 'template: T:1: unexpected . after term "a"'),
        ("{{len if}}", "template: T:1: unexpected <if> in operand"),
        ("{{.X, .Y}}", 'template: T:1: unexpected "," in operand'),
        ("{{break}}", "template: T:1: {{break}} outside {{range}}"),
        ("{{template .X}}", 'template: T:1: unexpected ".X" in template clause'),
        ("{{define}}", 'template: T:1: unexpected "}}" in define clause'),
        ("{{define `x`}}", "template: T:1: unexpected EOF"),
        ("{{define `x`}}{{else}}{{end}}", "template: T:1: unexpected {{else}} in define clause"),
    ],
)
def test_what_is_not_a_template(text, problem):
    with pytest.raises(TemplateError) as raised:
        parse("T", text)
    assert str(raised.value) == problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("\n{{.Spec.Jop}}", "template: T:2: executing: can't evaluate field Jop in type v1.ProwJobSpec"),
        ("{{.Nothing.X}}", "nil pointer evaluating X"),
        ("{{.Name.X}}", "can't evaluate field X in type string"),
        ("{{index .Spec.Refs.Pulls 1}}", "index out of range: 1"),
        ('{{index .Spec.Refs.Pulls "a"}}', "cannot index slice/array with type string"),
        ("{{index .Nothing 0}}", "index of untyped nil"),
        ("{{index 1 0}}", "can't index item of type int"),
        ("{{index .Spec `a`}}", "can't index item of type v1.ProwJobSpec"),
        ("{{.Name 1}}", "can't give argument to non-function"),
        ("{{1 | .Name}}", "can't give argument to non-function"),
        ("{{eq 1}}", "missing argument for comparison"),
        ('{{eq 1 "a"}}', "incompatible types for comparison"),
        ("{{eq .Labels .Labels}}", "non-comparable type map"),
        ("{{eq 1 .Empty}}", "non-comparable type slice"),
        ("{{lt true false}}", "invalid type for comparison"),
        ("{{len 1}}", "len of type int"),
        ("{{slice 1}}", "can't slice item of type int"),
        ('{{slice "abc" 2 1}}', "slice index out of range"),
        ("{{printf 1}}", "printf needs a format"),
        ("{{printf}}", "error calling printf: wrong number or kind of args"),
        ('{{printf "%9999s" 1}}', "printf: wider than 1000"),
        ("{{and}}", "wrong number of args for and: want at least 1 got 0"),
        ("{{print (or)}}", "wrong number of args for or: want at least 1 got 0"),
        ("{{print or}}", "wrong number of args for or: want at least 1 got 0"),
        ("{{not}}", "wrong number of args for not: want 1 got 0"),
        ("{{template `x`}}", 'template "x" not defined'),
        ("{{range .Share}}{{end}}", "range can't iterate over the value"),
        ("{{define `x`}}{{template `x`}}{{end}}{{template `x`}}", "more than 50 templates inside each other"),
        ("{{range 9999}}{{range 9999}}{{end}}{{end}}", "takes too many steps"),
        ("{{$x := `ab`}}{{range 99}}{{$x = print $x $x}}{{end}}", "print makes more than 65536 characters"),
        ("{{$x := printf `%1000s` 1}}{{range 99}}{{$x}}{{end}}", f"writes more than {MAX_OUTPUT} characters"),
    ],
)
def test_what_cannot_be_executed(text, problem):
    template = parse("T", text)
    with pytest.raises(TemplateError) as raised:
        execute(template, DATA)
    assert problem in str(raised.value)


def test_a_template_is_bounded_in_length_and_depth():
    with pytest.raises(TemplateError, match="longer than"):
        parse("T", "a" * (MAX_TEMPLATE + 1))
    assert parse("T", "{{if .X}}" * MAX_DEPTH + "{{end}}" * MAX_DEPTH)
    for opening, middle, closing in [("{{if .X}}", "", "{{end}}"), ("(", "1", ")")]:
        text = opening * (MAX_DEPTH + 1) + middle + closing * (MAX_DEPTH + 1)
        with pytest.raises(TemplateError, match="nested deeper than"):
            parse("T", text if middle == "" else "{{" + text + "}}")


def test_each_else_if_counts_for_the_depth():
    chain = "".join(f"{{{{else if eq .Name `{n}`}}}}{n}" for n in range(MAX_DEPTH - 2))
    assert run(f"{{{{if eq .Name `x`}}}}x{chain}{{{{else}}}}last{{{{end}}}}") == "last"
