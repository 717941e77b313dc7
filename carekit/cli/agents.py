"""``carekit agents``: the people who answer."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import click

from carekit.cli.common import file_and_more, file_argument, with_service
from carekit.facts.codec import to_builtins
from carekit.facts.nouns import Agent
from carekit.ground.errors import NotFound, Refused
from carekit.service.inboxes import inbox_fault
from carekit.service.service import Service


@click.group("agents")
def command() -> None:
    """Add, list and manage the people who answer. They belong to the store, not to the file."""


def _password(given: str | None) -> str:
    if given is not None:
        return given
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer


_password_option = click.option(
    "--password", envvar="CAREKIT_AGENT_PASSWORD", help="The password; asked for if absent.", show_envvar=True
)


@command.command("add")
@file_and_more
@click.argument("id")
@click.option("--name", required=True, help="The name contacts see.")
@click.option("--email", required=True, help="The address to log in with.")
@click.option("--role", type=click.Choice(["agent", "admin"]), default="agent", show_default=True)
@click.option("--capacity", type=click.IntRange(1, 1000), default=5, show_default=True, help="Conversations at once.")
@click.option("--inbox", "inboxes", multiple=True, help="Limit to an inbox; may be given several times.")
@_password_option
def add(
    file: Path, id: str, name: str, email: str, role: str, capacity: int, inboxes: tuple[str, ...], password: str | None
) -> None:
    """Add the agent ID."""

    async def work(service: Service) -> Agent:
        if service.store.inline:
            raise Refused(
                "a store in memory forgets the agent when this command ends; give [store] one that is on disk, or name"
                " a file with agents in `seed` of [service]"
            )
        _check_inboxes(service, inboxes)
        secret = _password(password)
        return await service.desk.add_agent(id, name, email, secret, role=role, capacity=capacity, inboxes=inboxes)

    agent = with_service(file, work)
    click.echo(f"added {agent.name} ({agent.id}), capacity {agent.capacity}")


@command.command("list")
@file_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_agents(file: Path, as_json: bool) -> None:
    """List everyone, with presence and load."""

    async def work(service: Service) -> list[Agent]:
        return await service.desk.agents()

    agents = with_service(file, work)
    if as_json:
        click.echo(json.dumps([to_builtins(agent) for agent in agents], indent=2))
        return
    if not agents:
        click.echo("no agents yet; add one with `carekit agents add`")
    for agent in agents:
        state = agent.presence.value if agent.active else "deactivated"
        inboxes = f", inboxes {', '.join(agent.inboxes)}" if agent.inboxes else ""
        load = f"{agent.load} of {agent.capacity}"
        click.echo(f"{agent.id}  {agent.name} <{agent.email}>  {agent.role}, {state}, {load}{inboxes}")


@command.command("password")
@file_and_more
@click.argument("id")
@_password_option
def password(file: Path, id: str, password: str | None) -> None:
    """Set the password of the agent ID and end all of their sessions."""

    async def work(service: Service) -> None:
        if await service.desk.agent(id) is None:
            raise NotFound(f"there is no agent {id!r}; `carekit agents list` shows who there is")
        secret = _password(password)
        await service.desk.set_password(id, secret, "service")

    with_service(file, work)
    click.echo(f"the password of {id} is changed, and every session of theirs has ended")


@command.command("deactivate")
@file_and_more
@click.argument("id")
def deactivate(file: Path, id: str) -> None:
    """Let the agent ID in no more, end all of their sessions, and give their open conversations to others."""
    _change(file, id, active=False)
    click.echo(f"{id} is deactivated, every session of theirs has ended, and their open conversations are free")


@command.command("activate")
@file_and_more
@click.argument("id")
def activate(file: Path, id: str) -> None:
    """Let the agent ID in again, with the password they had."""
    _change(file, id, active=True)
    click.echo(f"{id} is active and may log in")


@command.command("inboxes")
@file_and_more
@click.argument("id")
@click.argument("inboxes", nargs=-1)
def inboxes(file: Path, id: str, inboxes: tuple[str, ...]) -> None:
    """Limit the agent ID to INBOXES; without any, to none of them: they see all."""
    agent = _change(file, id, inboxes=inboxes)
    click.echo(f"{id} sees {', '.join(agent.inboxes) or 'all inboxes'}")


@command.command("capacity")
@file_and_more
@click.argument("id")
@click.argument("n", type=click.IntRange(1, 1000))
def capacity(file: Path, id: str, n: int) -> None:
    """Set how many conversations the agent ID has at once to N; nothing is taken away."""
    agent = _change(file, id, capacity=n)
    click.echo(f"{id} has a capacity of {agent.capacity}, {agent.load} in use")


def _check_inboxes(service: Service, inboxes: Collection[str]) -> None:
    for inbox in inboxes:
        if fault := inbox_fault(inbox, service.settings.inboxes):
            raise Refused(fault, field="inboxes")


def _change(
    file: Path,
    id: str,
    *,
    capacity: int | None = None,
    active: bool | None = None,
    inboxes: Collection[str] | None = None,
) -> Agent:
    async def work(service: Service) -> Agent:
        _check_inboxes(service, inboxes or ())
        if await service.desk.agent(id) is None:
            raise NotFound(f"there is no agent {id!r}; `carekit agents list` shows who there is")
        return await service.desk.change_agent(id, capacity=capacity, active=active, inboxes=inboxes, actor="service")

    return with_service(file, work)
