"""Forgetting a subfolder that was watched and is gone for good."""

from collections.abc import Iterable

from contacts.models import FolderFault, WatchedFolder


def list_forgettable(folders: Iterable[WatchedFolder]) -> list[WatchedFolder]:
    """The subfolders that are gone. None while IMPORT_FOLDER itself is: then nobody can tell."""
    found = list(folders)
    if any(not folder.name and folder.fault for folder in found):
        return []
    return [folder for folder in found if folder.name and folder.fault == FolderFault.GONE]


def forget_folder(folder: WatchedFolder) -> bool:
    """Watch for the folder no more; return whether it was gone. If it comes back, it is a new one."""
    if folder not in list_forgettable(WatchedFolder.objects.all()):
        return False
    deleted, _by_model = WatchedFolder.objects.filter(pk=folder.pk, fault=FolderFault.GONE).delete()
    return deleted > 0
