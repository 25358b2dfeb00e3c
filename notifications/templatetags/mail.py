"""The pieces that every mail's HTML is made of. Drawn in Python: each mail has several, and an include costs ten times."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

_HEADING = '<h1 style="margin:0 0 16px;font-size:20px;line-height:1.3;font-weight:600">{}</h1>'
_SECTION = '<h2 style="margin:20px 0 8px;font-size:16px;line-height:1.3;font-weight:600">{}</h2>'
_PARAGRAPH = '<p style="margin:0 0 12px">{}</p>'
_SOFT = '<p class="soft" style="margin:0 0 12px;color:#475060;font-size:14px">{}</p>'
_VERBATIM = (
    '<p style="margin:0 0 12px;font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px;overflow-wrap:anywhere;'
    'word-break:break-all">{}</p>'
)
_BUTTON = """<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:24px 0 0">
  <tr>
    <td class="button" bgcolor="#2f54c9" style="border-radius:6px;background:#2f54c9"><a href="{}" style="display:inline-block;padding:12px 20px;color:#ffffff;font-weight:600;text-decoration:none">{}</a></td>
  </tr>
</table>"""
_FACTS = """<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 16px;font-size:15px;line-height:1.5">
{}</table>"""
_FACT = """  <tr>
    <td class="fact soft" valign="top" style="padding:2px 16px 2px 0;color:#475060;white-space:nowrap">{}</td>
    <td class="fact__value" valign="top" style="padding:2px 0;overflow-wrap:anywhere;word-break:break-word">{}</td>
  </tr>
"""


@register.simple_tag
def heading(text: str) -> SafeString:
    return format_html(_HEADING, text)


@register.simple_tag
def section(text: str) -> SafeString:
    return format_html(_SECTION, text)


@register.simple_tag
def paragraph(text: str, *, soft: bool = False) -> SafeString:
    return format_html(_SOFT if soft else _PARAGRAPH, text)


@register.simple_tag
def verbatim_line(text: str) -> SafeString:
    """Draw what is compared or typed to the letter."""
    return format_html(_VERBATIM, text)


@register.simple_tag
def button(text: str, link: str) -> SafeString:
    return format_html(_BUTTON, link, text)


@register.simple_tag
def facts_table(facts: Iterable[tuple[str, object]]) -> SafeString:
    return format_html(_FACTS, format_html_join("", _FACT, facts))
