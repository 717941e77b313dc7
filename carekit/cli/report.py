"""``carekit report``: how fast, how many, how content."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from carekit.cli.common import duration, file_argument, parse_day, with_service
from carekit.ground.dates import iso
from carekit.seams.scope import EVERYTHING
from carekit.service.service import Service

DURATIONS = {
    "first_response": "First response",
    "next_response": "Next response",
    "first_resolution": "First resolution",
    "resolution": "Resolution",
}
FEW = 20
"""Answers below which a percentage is shown with a warning."""


@click.command("report")
@file_argument
@click.option("--since", metavar="DATE", help="Only conversations that began on or after this day.")
@click.option("--until", metavar="DATE", help="Only what happened before this day.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object (durations in seconds).")
@click.option("--csv", "as_csv", is_flag=True, help="Print rows: channel, metric, clock, statistic, value.")
def command(file: Path, since: str | None, until: str | None, as_json: bool, as_csv: bool) -> None:
    """Print conversations, first response and resolution (median and p90, calendar and business time), resolution rate
    and CSAT with n and its 95 % interval."""

    if as_json and as_csv:
        raise click.UsageError("--json and --csv are two answers; choose one")

    async def work(service: Service) -> dict[str, Any]:
        zone = service.settings.service.timezone
        begin, end = parse_day(since, zone), parse_day(until, zone)
        if begin and end and end <= begin:
            raise click.BadParameter(f"the period ends ({until}) before it begins ({since})")
        return dict(await service.desk.report(EVERYTHING, since=begin, until=end))

    report = with_service(file, work)
    if as_json:
        click.echo(json.dumps(report, indent=2))
    elif as_csv:
        click.echo(_csv(report), nl=False)
    else:
        _print(report)


def _print(report: dict[str, Any]) -> None:
    period = report["period"]
    zone = period["timezone"]
    since = _day(period["since"], zone) if period["since"] else "the beginning"
    click.secho(f"{since} to {_day(period['until'], zone)} ({zone}; {period['basis']})", bold=True)
    _figures(report)
    for channel, figures in report["by_channel"].items():
        if len(report["by_channel"]) > 1:
            click.secho(f"\n{channel}", bold=True)
            _figures(figures)


def _figures(r: dict[str, Any]) -> None:
    click.echo(f"  Conversations     {r['conversations']}  ({r['messages']} messages in, {r['replies']} replies)")
    for key, title in DURATIONS.items():
        clocks = r[key]
        if clocks["calendar"]["n"]:
            parts = [f"{name} {_summary(clocks[name])}" for name in ("calendar", "business") if clocks[name]["n"]]
            click.echo(f"  {title:<17} {'; '.join(parts)}; n {clocks['calendar']['n']}")
        else:
            click.echo(f"  {title:<17} – (none yet)")
    rate = "–" if r["resolution_rate"] is None else f"{r['resolution_rate']:.0%}"
    click.echo(f"  Resolution rate   {rate}  ({r['resolved']} of {r['conversations']}; {r['reopens']} reopened)")
    click.echo(f"  CSAT              {_csat(r['csat'])}")
    targets, bot = r["targets"], r["bot"]
    click.echo(f"  Targets           {targets['met']} met, {targets['breached']} breached")
    if bot["conversations"]:
        click.echo(
            f"  Bot               {bot['conversations']} conversations, {bot['contained']} contained, "
            f"{bot['handed_off']} handed over"
        )


def _summary(clock: dict[str, Any]) -> str:
    return f"median {duration(clock['median_s'])}, p90 {duration(clock['p90_s'])}"


def _csat(csat: dict[str, Any]) -> str:
    if not csat["n"]:
        return f"– (no answers yet, {csat['offered']} put)"
    few = f"; fewer than {FEW} answers" if csat["n"] < FEW else ""
    share = "" if csat["response_rate"] is None else f", {csat['response_rate']:.0%} of {csat['offered']} answered"
    return f"{csat['score']:.0f} % (95 % interval {csat['low']:.0f}–{csat['high']:.0f} %, n {csat['n']}{share}{few})"


def _day(text: str, zone: str) -> str:
    return iso(datetime.fromisoformat(text).astimezone(ZoneInfo(zone)))


def _csv(report: dict[str, Any]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["channel", "metric", "clock", "statistic", "value"])
    for channel, figures in (("", report), *report["by_channel"].items()):
        # A channel's name comes from the file; a spreadsheet must still not take it for a formula.
        name = f"'{channel}" if channel[:1] in "=+-@\t\r" and channel else channel
        writer.writerows([name, *row] for row in _rows(figures))
    return out.getvalue()


def _rows(figures: dict[str, Any]) -> Iterator[tuple[str, str, str, Any]]:
    for metric in ("conversations", "messages", "replies", "resolved", "resolution_rate", "reopens"):
        yield metric, "", "", figures[metric]
    for metric in DURATIONS:
        for clock in ("calendar", "business"):
            for statistic, value in figures[metric][clock].items():
                yield metric, clock, statistic, value
    for metric in ("csat", "targets", "bot"):
        for statistic, value in figures[metric].items():
            yield metric, "", statistic, value
