"""Instruments that lower themselves to the market's terms, and proposals that bundle them."""
