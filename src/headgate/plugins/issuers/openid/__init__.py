"""An OpenID provider: the authorization code flow with PKCE, state and nonce.

Sources: OpenID Connect Core 1.0 and Discovery 1.0; RFC 6749, RFC 7636 (PKCE), RFC 9207 (the issuer in the answer), and
RFC 9700 (how to do all of it safely).
"""

from headgate.plugins.issuers.openid.issuer import OpenId, Settings, create

__all__ = ["OpenId", "Settings", "create"]
