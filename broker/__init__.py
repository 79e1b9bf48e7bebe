"""The broker: pure rooms (sky, matching, planning), the log (transport), the loops (services) and the commands (cli)."""
