"""The commands of the chain: seal, verify-chain. Thin: sealer.py and verifier.py do the work, imported when needed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bankalerts import settings

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
KeyOption = Annotated[
    Path | None, typer.Option("--key", help="The private key's file; data/seal/seal.key of the home folder unless given.")
]
HeadsOption = Annotated[
    Path | None,
    typer.Option("--heads", help="The file of signed heads; data/seal/heads.jsonl of the home folder unless given."),
]
PublicOption = Annotated[
    Path | None, typer.Option("--public-key", help="The public key's file; data/seal/seal.pub of the home folder unless given.")
]
out = Console()


def register(app: typer.Typer) -> None:
    """Add the commands to `bankalerts`."""
    app.command()(seal)
    app.command(name="verify-chain")(verify_chain)
    app.command()(erase)


def seal(
    key: KeyOption = None,
    heads: HeadsOption = None,
    make: Annotated[bool, typer.Option("--make-key", help="Make the key when there is none.")] = False,
    as_json: Json = False,
) -> None:
    """Seal what happened since the last time: alerts, ended messages, erasures. Signed heads go to a file outside the database.

    Safe to repeat, and at once. Copy the file of heads to where no DBA writes. Example: `bankalerts seal --make-key`
    """
    from bankalerts.seal.sealer import seal_all
    from bankalerts.seal.signing import default_folder, make_key

    key_file = key or default_folder() / "seal.key"
    if make:
        make_key(key_file)
    done = seal_all(settings.database_url(), key_file, heads or default_folder() / "heads.jsonl")
    if as_json:
        json.dump({"seals": done.seals, "entries": done.entries}, sys.stdout)
        return
    out.print(f"{done.entries} entries sealed in {done.seals} blocks")


def verify_chain(heads: HeadsOption = None, public_key: PublicOption = None, as_json: Json = False) -> None:
    """Find what was changed behind the system's back, from the signed heads and the public key.

    Exit code 1 on any fault. Example: `bankalerts verify-chain --heads /mnt/audit/heads.jsonl --public-key /mnt/audit/seal.pub`
    """
    from bankalerts.seal import verifier
    from bankalerts.seal.signing import default_folder

    folder = default_folder()
    verdict = verifier.verify_chain(settings.database_url(), heads or folder / "heads.jsonl", public_key or folder / "seal.pub")
    if as_json:
        json.dump(verdict.as_json(), sys.stdout)
    else:
        for fault in verdict.faults[: verifier.FAULTS_MAX]:
            where = f"seal {fault.seal_no}" if fault.seal_no else "no seal"
            out.print(
                f"{fault.fault}: {fault.kind} {fault.id or ''} of {fault.event_date or 'the chain'}, {where}", highlight=False
            )
        out.print(
            f"{verdict.seals} seals with {verdict.entries} entries against {verdict.heads} heads:"
            f" {'all as it was sealed' if verdict.holds else f'{len(verdict.faults)} faults'}"
        )
    if not verdict.holds:
        raise typer.Exit(1)


def erase(
    customer: Annotated[int, typer.Argument(help="The customer's number.")],
    reason: Annotated[str, typer.Option(help="Who asked for it, and when. No personal data: it is kept.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    key: KeyOption = None,
    heads: HeadsOption = None,
    as_json: Json = False,
) -> None:
    """Erase a customer for ever: rows in bank go, what history keeps of them loses its key. The chain stays whole.

    Refused while messages are on their way. Safe to repeat. Example: `bankalerts erase 42 --reason 'letter of 3 May' --yes`
    """
    from bankalerts.seal import erase as erasing
    from bankalerts.seal.signing import default_folder

    if not yes:
        typer.confirm(f"Erase customer {customer} for ever?", abort=True)
    folder = default_folder()
    told = erasing.erase(settings.database_url(), customer, reason, key or folder / "seal.key", heads or folder / "heads.jsonl")
    if as_json:
        json.dump(told, sys.stdout)
        return
    rows = ", ".join(
        f"{what} {count}" for what, count in told.items() if what not in ("customer_id", "key_destroyed") and count
    )
    out.print(f"customer {customer} is erased" + ("" if told["key_destroyed"] else " (the key was destroyed before)"))
    out.print(f"rows: {rows or 'none'}", highlight=False)
