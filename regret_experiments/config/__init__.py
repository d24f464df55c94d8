"""Configs: YAML that is read safely, overridden from the command line and validated whole."""

from regret_experiments.config.loading import LoadedConfig, load_config

__all__ = ["LoadedConfig", "load_config"]
