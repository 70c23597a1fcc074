"""Libraries that not everybody needs: each is in an extra of this package, and imported only when it is needed."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

EXTRAS = {  # by the names of modules
    "anywidget": "notebooks",
    "ipywidgets": "notebooks",
    "nbformat": "notebooks",
    "datasets": "huggingface",
    "transformers": "huggingface",
    "nncf": "openvino",
    "openvino": "openvino",
    "optuna": "optuna",
    "voila": "lab",
}


class MissingLibraryError(ImportError, ValueError):
    """A library of an extra is not installed, or does not work; the message says what to do."""


def needed(module: str, what: str) -> ModuleType:
    """A library of an extra, imported now.

    Args:
        module: A key of ``EXTRAS``.
        what: Name of what needs it, for the message.

    Raises:
        MissingLibraryError: The library is not installed, or cannot be imported; the message says how to install it, or why.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise MissingLibraryError(_broken(module, what, error)) from error
        command = f"pip install 'nastoolkit[{EXTRAS[module]}]'"
        raise MissingLibraryError(f"{what} needs {module}; install it with: {command}") from error
    except Exception as error:  # of any type: it is the library's own code that fails
        raise MissingLibraryError(_broken(module, what, error)) from error


def _broken(module: str, what: str, error: Exception) -> str:
    return f"{what} needs {module}, which is installed but cannot be imported: {type(error).__name__}: {error}"
