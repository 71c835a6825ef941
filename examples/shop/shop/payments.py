"""The payment provider's sandbox: it takes every amount, and answers at once."""

import secrets


class Payments:
    """Authorises amounts. The sandbox holds no money and makes no calls."""

    def authorise(self, amount_cents: int) -> str:
        """The reference of an authorisation; raises `ValueError` for an amount that is not positive."""
        if amount_cents <= 0:
            raise ValueError(f"cannot authorise {amount_cents} cents")
        return f"sandbox-{secrets.token_hex(4)}"

    def status(self) -> str:
        """Always ok: it is a sandbox."""
        return "ok"
