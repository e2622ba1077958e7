using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Coach.Rag.Indexing;
using Coach.Rag.Store;

namespace Coach.Rag.Scopes;

/// <summary>
/// The files of scopes in their folder. A file's name is a hash of the scope's kind and name: any string gives one,
/// none leads out of the folder, no two scopes share one, on disks that fold case or Unicode forms too, and a listing
/// names nobody.
/// </summary>
internal sealed class ScopeFiles(string folder)
{
    private const string Ending = ".coach";

    private readonly string _folder = Path.GetFullPath(folder);

    /// <summary>The name of a scope's file.</summary>
    public static string NameOf(KnowledgeScope scope)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.ASCII.GetBytes($"{scope.Kind}:"));
        hash.AppendData(MemoryMarshal.AsBytes(scope.Name.AsSpan()));        // lone surrogates, too, stay apart
        return Convert.ToHexStringLower(hash.GetHashAndReset()) + Ending;
    }

    public string PathOf(string name) => Path.Combine(_folder, name);

    /// <summary>Whether a scope has a file.</summary>
    public bool Exists(string name) => File.Exists(PathOf(name));

    /// <summary>Whether something of a scope is left though it has no file: what was set aside.</summary>
    public bool HasRemains(string name) =>
        Directory.Exists(_folder) && Directory.EnumerateFiles(_folder, name + ".*").Any();

    /// <summary>Claims a scope for this process.</summary>
    /// <exception cref="RagException">Another process has it; or the folder cannot be written.</exception>
    public IDisposable Claim(string name)
    {
        try
        {
            IndexOpener.CreateFolder(_folder);
            return IndexFileSystem.Disk.OpenExclusively(ClaimOf(name));
        }
        catch (Exception e) when (IndexFileErrors.IsFileError(e))
        {
            RagException failure = IndexFileErrors.Write(name, e);
            throw failure.Error == RagError.IndexUnavailable && File.Exists(ClaimOf(name))
                ? RagException.ScopeOpenElsewhere(name, e)
                : failure;
        }
    }

    /// <summary>Takes away what a scope without documents left behind. The caller holds the claim.</summary>
    public void Tidy(string name)
    {
        if (!Exists(name))
        {
            TryDelete(PathOf(name) + ".lock");
            TryDelete(ClaimOf(name));
        }
    }

    /// <summary>Erases a scope's files, set-aside ones included. The caller holds the claim.</summary>
    /// <returns>Whether there were documents.</returns>
    /// <exception cref="RagException">One of them cannot be deleted.</exception>
    public bool Erase(string name)
    {
        bool existed = Exists(name);
        try
        {
            foreach (string path in Directory.EnumerateFiles(_folder, name + "*"))
            {
                if (path != ClaimOf(name))
                {
                    File.Delete(path);
                }
            }
        }
        catch (Exception e) when (IndexFileErrors.IsFileError(e))
        {
            throw IndexFileErrors.Write(name, e);
        }

        return existed;
    }

    private string ClaimOf(string name) => PathOf(name) + ".open";

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (IndexFileErrors.IsFileError(e))
        {
            // An empty file that the next opening uses again.
            return;
        }
    }
}
