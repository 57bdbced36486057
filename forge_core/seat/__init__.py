"""A network that sees one hand, and a search that lets no seat see more."""
