"""What this distribution offers to carekit."""

from __future__ import annotations

from collections.abc import Mapping

from carekit import Channel, Policy, hookimpl
from carekit_sms.channel import Sms
from carekit_sms.policy import AnswerHelp


@hookimpl
def carekit_channels() -> Mapping[str, type[Channel]]:
    """Texts (``sms``)."""
    return {"sms": Sms}


@hookimpl
def carekit_policies() -> Mapping[str, type[Policy]]:
    """The answer to HELP (``sms-help``)."""
    return {"sms-help": AnswerHelp}
