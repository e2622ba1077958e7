using Coach.Rag.Documents;

namespace Coach.Rag.Tests;

/// <summary>Folders and readers as the registration makes them.</summary>
internal static class Folders
{
    public static DocumentReaders Readers(CoachRagOptions? options = null, params IDocumentReader[] more)
    {
        options ??= new CoachRagOptions();
        return new DocumentReaders([.. more, .. DocumentReaders.BuiltIn(options)], options, TimeProvider.System);
    }

    public static FolderSource Source(string path, CoachRagOptions? options = null, TimeProvider? time = null,
        Func<DirectoryInfo, IEnumerable<FileSystemInfo>>? list = null)
    {
        options ??= new CoachRagOptions();
        return new FolderSource(path, Readers(options), options, time ?? TimeProvider.System, list);
    }
}
