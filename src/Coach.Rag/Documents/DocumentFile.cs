using System.Security.Cryptography;
using System.Text;
using Coach.Rag.Documents;

namespace Coach.Rag;

/// <summary>A file that is to be read: its name, its bytes and the limits.</summary>
public sealed class DocumentFile
{
    /// <summary>How much of it <see cref="Head"/> shows.</summary>
    public const int HeadLength = 4096;

    private readonly ReadOnlyMemory<byte> _content;
    private byte[]? _hash;

    /// <summary>Creates the file.</summary>
    /// <param name="name">Its name or path; what follows the last dot helps to know what it is.</param>
    /// <param name="content">Its bytes; not copied.</param>
    /// <param name="limits">What reading it may cost; <see cref="DocumentLimits.Default"/> unless given.</param>
    /// <exception cref="ArgumentException"><paramref name="name"/> is null or blank.</exception>
    public DocumentFile(string name, ReadOnlyMemory<byte> content, DocumentLimits? limits = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Name = name;
        _content = content;
        Limits = limits ?? DocumentLimits.Default;
        FileName = name[(name.LastIndexOfAny(['/', '\\']) + 1)..];
        Extension = ExtensionOf(FileName);
    }

    /// <summary>Its name or path.</summary>
    public string Name { get; }

    /// <summary>The last part of its path.</summary>
    public string FileName { get; }

    /// <summary>
    /// The end of its name from the last dot on, in lower case; parts that name a language or an encoding are passed
    /// over (<c>.html</c> of <c>index.html.en.utf8</c>). Empty when there is none.
    /// </summary>
    public string Extension { get; }

    /// <summary>The media type that came with it, without parameters, in lower case.</summary>
    /// <value>Null when none did.</value>
    public string? MediaType { get; init; }

    /// <summary>What reading it may cost.</summary>
    public DocumentLimits Limits { get; }

    /// <summary>Its size in bytes.</summary>
    public int Length => _content.Length;

    /// <summary>All of its bytes.</summary>
    public ReadOnlyMemory<byte> Content => _content;

    /// <summary>Its first bytes, at most <see cref="HeadLength"/>.</summary>
    public ReadOnlySpan<byte> Head => _content.Span[..Math.Min(HeadLength, _content.Length)];

    /// <summary>How deep it lies in archives: 0 for a file of its own.</summary>
    public int Depth { get; init; }

    /// <summary>Whether its name has one of some endings.</summary>
    /// <param name="extensions">With their dots, in lower case.</param>
    /// <returns>Whether <see cref="Extension"/> is among them.</returns>
    public bool HasExtension(params ReadOnlySpan<string> extensions) => extensions.Contains(Extension);

    /// <summary>Opens it from its start; may be called again.</summary>
    /// <returns>A stream that can seek and cannot be written.</returns>
    public Stream OpenRead() =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(_content, out ArraySegment<byte> array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false, publiclyVisible: true)
            : new MemoryStream(_content.ToArray(), writable: false);

    /// <summary>
    /// Its content as text: by its byte order mark, what it declares of itself, what its bytes look like, or as
    /// Windows-1252 at last. A byte that is wrong in its encoding costs one character.
    /// </summary>
    /// <param name="note">What had to be guessed, in words; null when nothing had to.</param>
    /// <returns>The text.</returns>
    /// <exception cref="RagException"><see cref="RagError.DocumentRefused"/>: it is binary.</exception>
    public string ReadText(out string? note) => TextDecoder.Decode(_content.Span, Extension, out note);

    /// <summary>A hash of its content.</summary>
    internal ReadOnlySpan<byte> Hash => _hash ??= SHA256.HashData(_content.Span);

    /// <summary>The start of it as ASCII, without white space and a byte order mark before it; for looking
    /// at.</summary>
    internal string HeadText(int length = 512)
    {
        ReadOnlySpan<byte> head = Head;
        if (head.StartsWith(Encoding.UTF8.Preamble))
        {
            head = head[Encoding.UTF8.Preamble.Length..];
        }

        return Encoding.Latin1.GetString(head[..Math.Min(head.Length, length)]).TrimStart();
    }

    private static string ExtensionOf(string fileName)
    {
        string name = fileName;
        while (true)
        {
            int dot = name.LastIndexOf('.');
            if (dot <= 0)
            {
                return "";
            }

            string extension = name[dot..].ToLowerInvariant();
            bool isVariant = name.LastIndexOf('.', dot - 1) > 0 && IsLanguageOrEncoding(extension.AsSpan(1));
            if (!isVariant)
            {
                return extension;
            }

            name = name[..dot];
        }
    }

    // As Apache's content negotiation writes them: index.html.en, index.html.pt-br, index.html.ja.utf8.
    private static bool IsLanguageOrEncoding(ReadOnlySpan<char> part)
    {
        if (part is "utf8" or "utf-8" or "latin1" or "ascii" or "euc-jp" or "euc-kr" or "big5" or "gb2312" or "sjis"
            || part.StartsWith("iso") || part.StartsWith("koi8") || part.StartsWith("windows-"))
        {
            return true;
        }

        int end = part.IndexOfAny('-', '_');
        ReadOnlySpan<char> language = end < 0 ? part : part[..end];
        return language.Length == 2 && char.IsAsciiLetter(language[0]) && char.IsAsciiLetter(language[1])
            && part is not ("md" or "py" or "rs" or "go" or "js" or "ts" or "cs" or "fs" or "vb" or "rb" or "pl" or "sh"
                or "hs" or "ml" or "kt" or "jl" or "gz" or "xz" or "mk" or "cc" or "hh" or "mm");
    }
}
