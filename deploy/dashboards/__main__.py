"""Write the dashboards: ``python -m deploy.dashboards``."""

from __future__ import annotations

from deploy.dashboards._files import FOLDER, files


def main() -> None:
    """Write every file, and say which changed."""
    for path, text in files().items():
        changed = not path.exists() or path.read_text(encoding="utf-8") != text
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(FOLDER.parent)}: {'written' if changed else 'unchanged'}")


if __name__ == "__main__":
    main()
