"""What a facility of tests proves itself with at its desk."""

TOKEN = "imager-0123456789abcdef0123456789abcdef"  # noqa: S105  a made-up one
