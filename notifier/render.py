"""A message's text from its template: sandboxed, strict and bounded.

A template writes values, chooses with if, and pipes through a few filters. It has no loop, no assignment, no call and
no multiplication, so that its output and its work are bounded by its own length (4,000 characters at most).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from notifier.address_book import Template
from notifier.message import Claimed, Recipient, Text
from notifier.writing import FALLBACK_LOCALE, HIDDEN, PLAIN_SPACES, Writer

SUBJECT_CHARACTERS_MAX = 300
BODY_CHARACTERS_MAX = 10_000
WRITER = "writer"  # the name in the context that filters find the customer's Writer by; templates cannot say it
PLAIN = "plain_spaces"  # likewise: whether what filters write has no other space than the plain one
VARIABLES = frozenset({"event", "history", "parameters", "account", "customer"})
WRITTEN = ("money", "when", "duration", "country", "reason", "merchant_category")  # filters that are methods of Writer
FILTERS = frozenset({*WRITTEN, "abs", "default", "upper", "lower", "trim"})
ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name, nodes.Getattr, nodes.Filter),
    *(nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.Test, nodes.And, nodes.Or, nodes.Not),
    *(nodes.Neg, nodes.Add, nodes.Sub, nodes.Concat),
)


class RenderError(Exception):
    """A template cannot be rendered. The text names the template and the fault; it holds no value of the alert."""


class _RefusedError(Exception):
    """A fault whose text holds nothing but words of the template."""


# Errors of jinja2 whose text speaks of the template and of attribute names, never of values.
_TELLING = (jinja2.TemplateSyntaxError, jinja2.UndefinedError, SecurityError, _RefusedError)


def choose(templates: Mapping[tuple[str, str], Template], alert_type: str, locale: str) -> Template:
    """The template of exactly this locale, else of the nearest wider one, else English. Raises RenderError for none."""
    candidate = locale
    while True:
        template = templates.get((alert_type, candidate))
        if template is not None:
            return template
        if candidate == FALLBACK_LOCALE:
            raise RenderError(f"there is no template of {alert_type} for {locale} or {FALLBACK_LOCALE}")
        # zh-Hant-TW, zh-Hant, zh, en
        candidate = candidate.rpartition("-")[0] or FALLBACK_LOCALE


def render(
    template: Template,
    message: Claimed,
    recipient: Recipient,
    minor_digits: Mapping[str, int],
    hides_balance: bool = False,
    plain_spaces: bool = False,
) -> Text:
    """The message as this customer reads it, with a balance or without. Raises RenderError, whatever the template does.

    `plain_spaces`: those of the template and of what its filters write are. What others wrote, a description, stays literal.
    """
    if plain_spaces:
        template = replace(template, body=template.body.translate(PLAIN_SPACES))
    try:
        variables = _variables(message, recipient)
        if hides_balance:
            _hide_balance(variables, template.history_is_balance)
        variables[WRITER] = Writer(recipient.locale, recipient.time_zone, minor_digits)
        variables[PLAIN] = plain_spaces
        compiled = _compiled(template.body)
        # Not copied, and one for both: nothing in a template assigns. Template.render() makes each anew.
        context = compiled.new_context(variables, shared=True)
        subject = None
        if template.subject is not None:
            subject = _bounded(_written(_compiled(template.subject), context), SUBJECT_CHARACTERS_MAX)
        return Text(subject, _bounded(_written(compiled, context), BODY_CHARACTERS_MAX))
    except Exception as error:  # a template is data: nothing it does may stop more than its own message
        raise RenderError(
            f"template {template.alert_type} {template.locale} version {template.version}: {_fault(error)}"
        ) from error


def _written(compiled: jinja2.Template, context: Context) -> str:
    return "".join(compiled.root_render_func(context))


def _variables(message: Claimed, recipient: Recipient) -> dict[str, Any]:
    event = {
        **message.evidence["event"],
        "id": message.event_id,
        "date": message.event_date,
        "time": message.event_time,
    }
    account = {
        "account_id": recipient.account_id,
        "name": recipient.iban or recipient.account_id,
        "iban": recipient.iban,
        "product": recipient.product,
        "currency": recipient.currency,
    }
    return {
        "event": event,
        "history": message.evidence.get("history") or {},
        "parameters": message.evidence["parameters"],
        "account": account,
        "customer": {"full_name": recipient.full_name},
    }


def _hide_balance(variables: dict[str, Any], history_is_balance: bool) -> None:
    variables["event"] = {name: HIDDEN if "balance" in name else value for name, value in variables["event"].items()}
    if history_is_balance:
        # No value stays no value: a template may choose by that.
        history = variables["history"].items()
        variables["history"] = {name: value if value is None or name == "since" else HIDDEN for name, value in history}


def _by_writer(method: str) -> Callable[..., str]:
    @jinja2.pass_context
    def write(context: Context, *values: Any) -> str:
        text = str(getattr(context.parent[WRITER], method)(*values))
        return text.translate(PLAIN_SPACES) if context.parent[PLAIN] else text

    return write


class _Environment(SandboxedEnvironment):
    def getattr(self, obj: Any, attribute: str) -> Any:
        """Of a dict its values alone, never its methods: what jinja2 tries first is an exception for each value."""
        if type(obj) is dict:
            try:
                return obj[attribute]
            except KeyError:
                is_method = hasattr(obj, attribute)
                return self.unsafe_undefined(obj, attribute) if is_method else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


def _environment() -> SandboxedEnvironment:
    # Plain text: nothing is escaped, because nothing reads it as markup.
    environment = _Environment(undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True)
    environment.globals.clear()
    environment.filters.update({name: _by_writer(name) for name in WRITTEN})
    environment.filters = {name: call for name, call in environment.filters.items() if name in FILTERS}
    return environment


ENVIRONMENT = _environment()


@functools.lru_cache(maxsize=4096)
def _compiled(source: str) -> jinja2.Template:
    tree = ENVIRONMENT.parse(source)
    for node in tree.find_all(nodes.Node):
        _check(node)
    return ENVIRONMENT.from_string(tree)


def _check(node: nodes.Node) -> None:
    if not isinstance(node, ALLOWED):
        raise _RefusedError(f"line {node.lineno}: {type(node).__name__.lower()} is not allowed in a template")
    if isinstance(node, nodes.Name) and node.name not in VARIABLES:
        raise _RefusedError(f"line {node.lineno}: there is no {node.name}; use {', '.join(sorted(VARIABLES))}")


def _bounded(text: str, characters_max: int) -> str:
    if len(text) > characters_max:
        raise _RefusedError(f"it makes {len(text)} characters, at most {characters_max} fit")
    return text


def _fault(error: Exception) -> str:
    return str(error) if isinstance(error, _TELLING) else type(error).__name__
