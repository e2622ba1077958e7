using System.Buffers;
using System.Globalization;
using System.Text;
using UtfUnknown;

namespace Coach.Rag.Documents;

/// <summary>
/// Reads bytes as text: by their byte order mark, by what they declare of themselves, by what they look like, or as
/// Windows-1252, the usual superset of Latin-1, at last. Refuses what is no text.
/// </summary>
internal static class TextDecoder
{
    private const int DeclarationBytes = 4096;
    private const int DetectionBytes = 256 << 10;
    private const double LeastConfidence = 0.6;

    // A few accented letters do not tell one single-byte encoding from another.
    private const int LeastOther = 8;

    private static readonly UTF8Encoding Strict = new(
        encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // Names that no encoding is made of for a document: UTF-7 can hide markup, the others are of no text.
    private static readonly SearchValues<string> Refused = SearchValues.Create(
        ["utf-7", "utf7", "x-user-defined", "replacement"], StringComparison.OrdinalIgnoreCase);

    static TextDecoder() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    /// <summary>Reads bytes as text.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="extension">The name's ending, which says how an encoding would be declared.</param>
    /// <param name="note">What had to be guessed, in words; null when nothing had to.</param>
    public static string Decode(ReadOnlySpan<byte> bytes, string extension, out string? note)
    {
        note = null;
        switch (bytes)
        {
            case [0xFF, 0xFE, 0, 0, ..]:
                return Encoding.UTF32.GetString(bytes[4..]);
            case [0, 0, 0xFE, 0xFF, ..]:
                return new UTF32Encoding(bigEndian: true, byteOrderMark: false).GetString(bytes[4..]);
            case [0xFF, 0xFE, ..]:
                return Encoding.Unicode.GetString(bytes[2..]);
            case [0xFE, 0xFF, ..]:
                return Encoding.BigEndianUnicode.GetString(bytes[2..]);
            case [0xEF, 0xBB, 0xBF, ..]:
                return Utf8(bytes[3..], ref note);
        }

        if (bytes.Contains((byte)0))
        {
            return WithoutMark(bytes, out note);
        }

        Encoding? declared = Declared(bytes, extension);
        if (TryStrict(bytes) is { } text && (declared is null or UTF8Encoding || IsAscii(bytes) || IsSurelyUtf8(bytes)))
        {
            bool isOther = declared is not (null or UTF8Encoding) && !IsAscii(bytes);
            note = isOther ? $"declares {declared!.WebName} and is UTF-8; read as UTF-8" : null;
            return declared is not null && !isOther && declared is not UTF8Encoding ? declared.GetString(bytes) : text;
        }

        if (declared is not (null or UTF8Encoding))
        {
            return declared.GetString(bytes);
        }

        RefuseBinary(bytes);
        (int valid, int invalid) = CountSequences(bytes);
        return valid > 0 && invalid * 10 <= valid + 9 ? Utf8(bytes, ref note) : Guess(bytes, out note);
    }

    // Wrong bytes become replacement characters, one a byte; the rest is as it was meant.
    private static string Utf8(ReadOnlySpan<byte> bytes, ref string? note)
    {
        if (TryStrict(bytes) is { } text)
        {
            return text;
        }

        int wrong = CountSequences(bytes).Invalid;
        note = string.Create(
            CultureInfo.InvariantCulture, $"is UTF-8 but for {wrong} byte(s); each became a replacement character");
        return Encoding.UTF8.GetString(bytes);
    }

    private static string? TryStrict(ReadOnlySpan<byte> bytes)
    {
        if (!System.Text.Unicode.Utf8.IsValid(bytes))
        {
            return null;
        }

        return Strict.GetString(bytes);
    }

    private static bool IsAscii(ReadOnlySpan<byte> bytes) => Ascii.IsValid(bytes) && !bytes.Contains((byte)0x1B);

    // Text of another encoding is valid UTF-8 by chance only where very little of it is not ASCII.
    private static bool IsSurelyUtf8(ReadOnlySpan<byte> bytes) =>
        !Ascii.IsValid(bytes) && CountSequences(bytes).Valid >= 3;

    private static (int Valid, int Invalid) CountSequences(ReadOnlySpan<byte> bytes)
    {
        int valid = 0;
        int invalid = 0;
        while (!bytes.IsEmpty)
        {
            int next = bytes.IndexOfAnyInRange((byte)0x80, (byte)0xFF);
            if (next < 0)
            {
                break;
            }

            bytes = bytes[next..];
            if (Rune.DecodeFromUtf8(bytes, out _, out int consumed) == OperationStatus.Done)
            {
                valid++;
            }
            else
            {
                invalid++;
            }

            bytes = bytes[Math.Max(1, consumed)..];
        }

        return (valid, invalid);
    }

    // UTF-16 without a mark has a zero in nearly every other byte of Latin text; anything else with zeros is binary.
    private static string WithoutMark(ReadOnlySpan<byte> bytes, out string? note)
    {
        int even = 0;
        int odd = 0;
        int look = Math.Min(bytes.Length, DeclarationBytes) & ~1;
        for (int i = 0; i < look; i += 2)
        {
            even += bytes[i] == 0 ? 1 : 0;
            odd += bytes[i + 1] == 0 ? 1 : 0;
        }

        int half = look / 2;
        Encoding? utf16 = odd * 10 >= half * 4 && even * 20 <= half ? Encoding.Unicode
            : even * 10 >= half * 4 && odd * 20 <= half ? Encoding.BigEndianUnicode : null;
        if (utf16 is null || half < 4 || bytes.Length % 2 != 0)
        {
            throw RagException.DocumentRefused(DocumentRefusal.Binary, "is binary, not text");
        }

        note = $"has no byte order mark; read as {utf16.WebName}, which its zeros look like";
        string text = utf16.GetString(bytes);
        return text.Contains('\0', StringComparison.Ordinal)
            ? throw RagException.DocumentRefused(DocumentRefusal.Binary, "is binary, not text")
            : text;
    }

    // Old single-byte text has accented letters but hardly any control codes.
    private static void RefuseBinary(ReadOnlySpan<byte> bytes)
    {
        int controls = 0;
        foreach (byte b in bytes)
        {
            controls += b < 32 && b is not ((byte)'\t' or (byte)'\n' or (byte)'\r' or (byte)'\f' or 0x1B) ? 1 : 0;
        }

        if (controls * 100 > bytes.Length)
        {
            throw RagException.DocumentRefused(DocumentRefusal.Binary, "is neither UTF-8 nor any other text");
        }
    }

    private static string Guess(ReadOnlySpan<byte> bytes, out string note)
    {
        byte[] sample = Sample(bytes);
        DetectionDetail? found = CharsetDetector.DetectFromBytes(sample).Detected;
        Encoding? encoding = found is null || found.Confidence < LeastConfidence ? null : Known(found.EncodingName);
        if (encoding is null or ASCIIEncoding or UTF8Encoding || encoding.CodePage is 28591
            || (encoding.IsSingleByte && CountOther(sample) < LeastOther) || !Fits(encoding, sample))
        {
            encoding = Encoding.GetEncoding(1252);
            note = "declares no encoding and is not UTF-8; read as windows-1252";
        }
        else
        {
            note = string.Create(
                CultureInfo.InvariantCulture,
                $"declares no encoding and is not UTF-8; read as {encoding.WebName} by its bytes ({found!.Confidence:0.00})");
        }

        return encoding.GetString(bytes);
    }

    private static int CountOther(byte[] sample) => sample.Count(b => b >= 0x80);

    // What is not ASCII, with its lines, says most: the detector weighs bytes, and most are ASCII in marked-up text.
    private static byte[] Sample(ReadOnlySpan<byte> bytes)
    {
        int first = bytes.IndexOfAnyInRange((byte)0x80, (byte)0xFF);
        int from = Math.Max(0, Math.Max(first, 0) - 1024);
        int line = bytes[..from].LastIndexOf((byte)'\n');
        from = line < 0 ? 0 : line + 1;
        return bytes.Slice(from, Math.Min(DetectionBytes, bytes.Length - from)).ToArray();
    }

    // A few characters that the encoding does not have may be damage; many say that it is another one.
    private static bool Fits(Encoding encoding, byte[] sample)
    {
        string text = encoding.GetString(sample);
        int wrong = 0;
        int other = 0;
        foreach (char c in text)
        {
            wrong += c is '\uFFFD' or (>= '\u0080' and <= '\u009F') ? 1 : 0;
            other += c > 127 ? 1 : 0;
        }

        return wrong * 20 <= other;
    }

    private static Encoding? Known(string? name)
    {
        if (string.IsNullOrWhiteSpace(name) || name.AsSpan().ContainsAny(Refused))
        {
            return null;
        }

        try
        {
            Encoding encoding = Encoding.GetEncoding(name.Trim());
            return encoding.CodePage switch
            {
                // As browsers read these labels (https://encoding.spec.whatwg.org/#names-and-labels).
                28591 or 20127 => Encoding.GetEncoding(1252),
                28599 => Encoding.GetEncoding(1254),
                // The bytes that declare a wide encoding in ASCII are not of that encoding.
                1200 or 1201 or 12000 or 12001 => Strict,
                65001 => Strict,
                _ => encoding,
            };
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    // <meta charset=…>, <meta … content="…; charset=…">, <?xml encoding="…"?>, @charset "…", # -*- coding: … -*-,
    // vim: fileencoding=…, :encoding: … of AsciiDoc.
    private static Encoding? Declared(ReadOnlySpan<byte> bytes, string extension)
    {
        string head = Encoding.Latin1.GetString(bytes[..Math.Min(bytes.Length, DeclarationBytes)]);
        ReadOnlySpan<char> start = head.AsSpan().TrimStart();
        if (start.StartsWith("<?xml", StringComparison.OrdinalIgnoreCase))
        {
            int end = start.IndexOf("?>", StringComparison.Ordinal);
            if (end > 0 && Value(start[..end], "encoding") is { } xml)
            {
                return Known(xml);
            }
        }

        bool isMarkup = extension is ".html" or ".htm" or ".xhtml" or ".shtml" or ".xht" or ".mhtml"
            || start.StartsWith('<');
        if (isMarkup)
        {
            for (int at = 0; (at = head.IndexOf("<meta", at, StringComparison.OrdinalIgnoreCase)) >= 0; at += 5)
            {
                int end = head.IndexOf('>', at);
                if (Value(head.AsSpan(at, (end < 0 ? head.Length : end) - at), "charset") is { } meta)
                {
                    return Known(meta);
                }
            }

            return null;
        }

        if (start.StartsWith("@charset", StringComparison.OrdinalIgnoreCase))
        {
            return Known(start[8..].TrimStart().TrimStart('"').ToString().Split('"', ';')[0]);
        }

        // PEP 263: in the first two lines; editors' lines, and AsciiDoc's attribute, stand there too.
        int lines = 0;
        foreach (ReadOnlySpan<char> line in head.AsSpan().EnumerateLines())
        {
            if (++lines > 5)
            {
                break;
            }

            bool isComment = line.TrimStart() is ['#' or ';' or '%' or '/' or '-' or '.', ..];
            string? name = isComment ? Value(line, "coding") ?? Value(line, "fileencoding") : null;
            name ??= line.StartsWith(":encoding:", StringComparison.OrdinalIgnoreCase) ? line[10..].Trim().ToString()
                : null;
            if (name is not null && Known(name) is { } encoding)
            {
                return encoding;
            }
        }

        return null;
    }

    // The value of "name=value", "name: value" or name='value' in a tag or a line.
    private static string? Value(ReadOnlySpan<char> text, string name)
    {
        int at = text.IndexOf(name, StringComparison.OrdinalIgnoreCase);
        if (at < 0)
        {
            return null;
        }

        ReadOnlySpan<char> rest = text[(at + name.Length)..].TrimStart();
        if (rest is not ['=' or ':', ..])
        {
            return null;
        }

        rest = rest[1..].TrimStart().TrimStart("\"'");
        int end = 0;
        while (end < rest.Length && (char.IsAsciiLetterOrDigit(rest[end]) || rest[end] is '-' or '_' or '.' or ':'))
        {
            end++;
        }

        return end == 0 ? null : rest[..end].ToString();
    }
}
