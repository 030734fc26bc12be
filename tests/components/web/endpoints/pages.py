"""A parsed page."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """The links, forms and scripts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        # Initial values by method and path.
        self.forms: dict[str, dict[str, str]] = {}
        self.handlers: list[str] = []
        self.ids: list[str] = []
        self.inline = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.addresses += [given[name] for name in ("href", "src", "action") if name in given]
        self.handlers += [name for name in given if name.startswith("on") or name == "style"]
        self.ids += [given["id"]] if "id" in given else []
        self.inline += (tag == "script" and "src" not in given) or tag == "style"
        if tag == "form" and "data-path" in given:
            self.forms[f"{given['data-method']} {given['data-path']}"] = {}
        if tag == "input" and self.forms:
            list(self.forms.values())[-1][given["name"]] = given["value"]

    @property
    def links(self) -> set[str]:
        """Addresses without fragments of the page itself."""
        return {address.partition("#")[0] for address in self.addresses if not address.startswith("#")}
