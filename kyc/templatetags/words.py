"""Django's own tags for translation, with a `translate` that looks a text up once for each language.

A page has over a hundred of them, and Django asks its catalogue at each. Templates load this as `i18n`: the settings
say so.
"""

from __future__ import annotations

from django import template
from django.template.base import Node, Parser, Token
from django.template.context import Context
from django.templatetags import i18n
from django.utils.translation import get_language

register = template.Library()
register.tags.update(i18n.register.tags)
register.filters.update(i18n.register.filters)


class SaidNode(Node):
    """A text that is the same whenever it is said in a language."""

    child_nodelists = ()

    def __init__(self, node: i18n.TranslateNode) -> None:
        self._node = node
        self._said: dict[str | None, str] = {}

    def render(self, context: Context) -> str:
        language = get_language()
        if language not in self._said:
            self._said[language] = self._node.render(context)
        return self._said[language]


@register.tag("translate")
@register.tag("trans")
def translate(parser: Parser, token: Token) -> Node:
    """Translate as Django does; a text that depends on nothing but the language is remembered."""
    node = i18n.do_translate(parser, token)
    said, where = node.filter_expression, node.message_context
    is_fixed = said.var.literal is not None and not said.filters and (where is None or not where.is_var)
    return SaidNode(node) if is_fixed and not node.asvar else node
