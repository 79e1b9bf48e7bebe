"""The broker: pure rooms (sky, matching, planning), the log (transport), loops (services), commands (cli)."""
