"""``nuncius up``: the whole broker on one machine."""

import typer

from nuncius.broker.cli.options import Broker, Config, Host, Port, settings_of, with_http


def up(*, broker: Broker = None, config: Config = None, host: Host = None, port: Port = None) -> None:
    """Run the whole broker: ingest, match, associate, too and the HTTP service. Ctrl-C ends it.

    On the embedded log all of it is one process. On Kafka (kafka://HOST:PORT, or kafka:local for one that is started
    here, with Java 17) each service is a process, started again when it dies; [services] in the settings says how many.
    """
    from nuncius.broker.transport.address import KafkaAddress, KafkaLocalAddress, parse_address

    settings = with_http(settings_of(config, broker), host, port)
    say = _say
    if isinstance(parse_address(settings.broker or ""), KafkaAddress | KafkaLocalAddress):
        from nuncius.broker.household import run_household

        run_household(settings, config, say)
        return
    from nuncius.broker.live import run_broker

    run_broker(settings, say)


def _say(line: str) -> None:
    typer.echo(line, err=True)
