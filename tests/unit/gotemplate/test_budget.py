"""What a template may spend: it is refused before the memory is taken."""

import tracemalloc

import pytest

from prowless.domain.gotemplate import Budget, TemplateError, execute, parse
from prowless.domain.gotemplate.functions import MAX_OUTPUT

LONG = '{{$a := "' + "x" * 30_000 + '"}}'
EACH = " $a" * 1_000


@pytest.mark.parametrize(
    "call",
    [
        f"print{EACH}",
        f"println{EACH}",
        f"html{EACH}",
        f"js{EACH}",
        f"urlquery{EACH}",
        f"printf `{'%s' * 1_000}`{EACH}",
        f"printf `x`{EACH}",
        f"printf `{'%999d' * 5_000}` {'1 ' * 5_000}",
    ],
)
def test_a_text_that_is_too_long_is_refused_while_it_is_joined(call):
    template = parse("", LONG + "{{" + call + "}}")
    tracemalloc.start()
    try:
        with pytest.raises(TemplateError, match=f"makes more than {MAX_OUTPUT} characters"):
            execute(template, {})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * MAX_OUTPUT


def test_what_functions_make_is_bounded_together_so_variables_are():
    names = "".join(f"{{{{$v{number} := print $a}}}}" for number in range(100))
    with pytest.raises(TemplateError, match="its functions make too many characters"):
        execute(parse("", LONG + names), {})


def test_executions_share_a_budget_and_can_tell_that_it_is_spent():
    budget = Budget(steps=30)
    template = parse("", "{{range 9}}x{{end}}")
    assert execute(template, {}, budget) == "x" * 9
    assert not budget.spent
    with pytest.raises(TemplateError, match="takes too many steps"):
        execute(template, {}, budget)
    assert budget.spent


def test_a_width_of_thousands_of_digits_is_refused():
    with pytest.raises(TemplateError, match="printf: wider than 1000"):
        execute(parse("", "{{printf `%" + "9" * 5_000 + "d` 1}}"), {})
