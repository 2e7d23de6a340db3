"""Fills a form in and sends it before the page draws: quick hands, or a machine that is busy."""

from playwright.sync_api import Locator

_SEND = """
(form, [values, times]) => {
  for (const [name, value] of Object.entries(values)) {
    form.elements[name].value = value;
    form.elements[name].dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
  for (let turn = 0; turn < times; turn++) form.requestSubmit();
}
"""


def send(form: Locator, values: dict[str, str], *, times: int = 1) -> None:
    """`values` by the name or the id of a field; all of it within one turn of the page's loop."""
    form.evaluate(_SEND, [values, times])


_NEXT_KEY = """
(dialog, key) => {
  dialog.close();  // what Escape does; that it has happened is told in a later turn of the loop
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
}
"""


def close_and_press(dialog: Locator, key: str) -> None:
    """Close a dialog and press a key, before the page was told that the dialog is closed."""
    dialog.evaluate(_NEXT_KEY, key)
