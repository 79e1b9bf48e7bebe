"""Adapters that ask telescopes in their own words, one file a facility: `nuncius.consumers.adapter` is the contract."""
