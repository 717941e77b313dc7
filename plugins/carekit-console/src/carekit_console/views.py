"""The fixed views of the console and the queries behind them."""

from __future__ import annotations

from typing import Final

import attrs

from carekit import Agent, Query, Status

PAGE: Final = 50


@attrs.frozen
class View:
    """A list of conversations with a name; ``mine`` narrows it to the agent who looks."""

    key: str
    title: str
    empty: str
    """What to say when there is nothing in it."""
    status: tuple[Status, ...] | None = None
    assignee: str | None = None
    bot: bool | None = None
    order: str = "updated"
    mine: bool = False

    def query(self, agent: Agent, *, cursor: str = "", limit: int = PAGE) -> Query:
        """The query behind it for *agent*."""
        return Query(
            status=self.status,
            assignee=agent.id if self.mine else self.assignee,
            bot=self.bot,
            order=self.order,
            cursor=cursor,
            limit=limit,
        )


VIEWS: Final = {
    view.key: view
    for view in (
        View("mine", "Mine", "Nothing is assigned to you", (Status.OPEN, Status.WAITING), mine=True),
        View("unassigned", "Unassigned", "Every open conversation has someone", (Status.OPEN,), "", bot=False),
        View("waiting", "Waiting on us", "Nobody waits for a person", (Status.OPEN,), bot=False, order="waiting"),
        View("bot", "With the bot", "No bot is answering anybody", (Status.OPEN, Status.WAITING), bot=True),
        View("snoozed", "Snoozed", "Nothing is snoozed", (Status.SNOOZED,)),
        View("resolved", "Resolved", "Nothing has been resolved yet", (Status.RESOLVED, Status.CLOSED)),
        View("all", "All", "No conversation yet. The first message will appear here by itself"),
    )
}
"""Every view by its key, in the order of the page."""
