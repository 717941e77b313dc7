"""The words by which people refuse texts, allow them again and ask for help, by language.

A message counts as one only if it says nothing else. The English words are those that carriers and providers act on by
themselves (CTIA Messaging Principles and Best Practices, section 5.1.3), so ours and theirs agree.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping

WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "en": {
        "stop": ("stop", "stop all", "stopall", "unsubscribe", "cancel", "end", "quit", "opt out", "optout", "revoke"),
        "start": ("start", "unstop", "yes", "opt in", "optin", "subscribe"),
        "help": ("help", "info"),
    },
    "es": {
        "stop": ("stop", "baja", "parar", "cancelar", "salir"),
        "start": ("alta", "iniciar", "activar"),
        "help": ("ayuda", "info"),
    },
    "de": {
        "stop": ("stop", "stopp", "abmelden", "abbestellen", "ende"),
        "start": ("start", "anmelden"),
        "help": ("hilfe", "info"),
    },
    "fr": {
        "stop": ("stop", "arrêt", "arrêter", "désabonner", "désinscription"),
        "start": ("start", "reprendre", "abonner"),
        "help": ("aide", "info"),
    },
    "it": {
        "stop": ("stop", "annulla", "disiscrivi", "cancella"),
        "start": ("start", "avvia", "iscrivi"),
        "help": ("aiuto", "info"),
    },
    "pt": {
        "stop": ("stop", "parar", "sair", "cancelar"),
        "start": ("start", "iniciar", "voltar"),
        "help": ("ajuda", "info"),
    },
    "nl": {
        "stop": ("stop", "afmelden", "uit"),
        "start": ("start", "aanmelden", "aan"),
        "help": ("help", "hulp", "info"),
    },
    "pl": {
        "stop": ("stop", "rezygnuję", "wypisz"),
        "start": ("start", "zapisz"),
        "help": ("pomoc", "info"),
    },
}
"""For each language (ISO 639-1) the words of each kind."""

KINDS = ("stop", "start", "help")


class Keywords:
    """Knows the words of *languages*, and those that the file adds to a kind."""

    def __init__(self, languages: Collection[str], more: Mapping[str, Collection[str]]) -> None:
        self._kinds: dict[str, str] = {}
        for kind in reversed(KINDS):  # so that a word of two kinds stops
            given = [word for language in languages for word in WORDS.get(language, {}).get(kind, ())]
            self._kinds |= {bare(word): kind for word in (*given, *more.get(kind, ()))}

    def kind(self, text: str) -> str:
        """``stop``, ``start`` or ``help`` if *text* is such a word and nothing more, else an empty text."""
        return self._kinds.get(bare(text), "") if len(text) <= 60 else ""


def bare(text: str) -> str:
    """*text* without case, accents, and anything but letters, digits and single spaces."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = (one if one.isalnum() else " " for one in letters if not unicodedata.combining(one))
    return " ".join("".join(kept).split())
