using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.FileProviders;

namespace Coach.AspNetCore.Http;

/// <summary>
/// A page's files under addresses that change with them: one fingerprint of all, as a folder that is not there. So
/// modules that import each other by relative names stay as they are, and an older page never gets newer parts from a
/// cache.
/// </summary>
internal sealed partial class PageFiles
{
    private const int MaxPages = 100;
    private const int MaxPageBytes = 4 << 20;
    private const int FingerprintLength = 12;
    private const string Prefix = "v-";

    private readonly FrozenDictionary<string, byte[]> _pages;

    /// <summary>Reads the files once: a page that changes while the host runs is served as it was.</summary>
    public PageFiles(IFileProvider files)
    {
        List<(string Path, IFileInfo File)> all =
            [.. Walk(files, "").OrderBy(file => file.Path, StringComparer.Ordinal)];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string path, IFileInfo file) in all)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(path + "\0"));
            using Stream content = file.CreateReadStream();
            hash.AppendData(SHA256.HashData(content));
        }

        Folder = "/" + Prefix + Convert.ToHexStringLower(hash.GetCurrentHash())[..FingerprintLength];
        var paths = all.Select(file => file.Path).ToHashSet(StringComparer.Ordinal);
        _pages = all
            .Where(file => file.Path.EndsWith(".html", StringComparison.OrdinalIgnoreCase))
            .Where(file => file.File.Length <= MaxPageBytes)
            .Take(MaxPages)
            .ToFrozenDictionary(
                file => "/" + file.Path, file => Rewrite(file.File, Parent(file.Path), paths), StringComparer.Ordinal);
    }

    /// <summary>The folder of this version, such as <c>/v-0a1b2c3d4e5f</c>.</summary>
    public string Folder { get; }

    /// <summary>
    /// A page, with references to the folder of this version below a path base; null where there is none.
    /// </summary>
    public byte[]? FindPage(string path, PathString pathBase)
    {
        byte[]? page = _pages.GetValueOrDefault(path);
        return page is null || !pathBase.HasValue
            ? page
            : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(page).Replace(
                $"=\"{Folder}/",
                $"=\"{HtmlEncoder.Default.Encode(pathBase.ToUriComponent())}{Folder}/",
                StringComparison.Ordinal));
    }

    /// <summary>The rest of a path below a version's folder, this one's or another's.</summary>
    public bool TrySplit(string path, out string file, out bool isCurrent)
    {
        Match match = Versioned().Match(path);
        (file, isCurrent) = (match.Groups[2].Value, match.Groups[1].Value == Folder);
        return match.Success;
    }

    private byte[] Rewrite(IFileInfo file, string folder, HashSet<string> paths)
    {
        using var reader = new StreamReader(file.CreateReadStream(), Encoding.UTF8);
        string page = reader.ReadToEnd();
        return Encoding.UTF8.GetBytes(Reference().Replace(page, match =>
        {
            string named = match.Groups[2].Value;
            string target = named.StartsWith('/') ? named[1..] : folder + named;
            return paths.Contains(target) && !target.EndsWith(".html", StringComparison.OrdinalIgnoreCase)
                ? $"{match.Groups[1].Value}=\"{Folder}/{target}\""
                : match.Value;
        }));
    }

    private static string Parent(string path) => path[..(path.LastIndexOf('/') + 1)];

    private static IEnumerable<(string Path, IFileInfo File)> Walk(IFileProvider files, string folder)
    {
        foreach (IFileInfo entry in files.GetDirectoryContents(folder))
        {
            string path = folder + entry.Name;
            if (!entry.IsDirectory)
            {
                yield return (path, entry);
                continue;
            }

            foreach ((string, IFileInfo) inner in Walk(files, path + "/"))
            {
                yield return inner;
            }
        }
    }

    [GeneratedRegex("\\b(src|href)=\"([^\":?#]+)\"", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Reference();

    [GeneratedRegex("^(/v-[0-9a-f]{12})(/.+)$", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Versioned();
}
