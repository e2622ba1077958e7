using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Coach.AspNetCore.Http;
using Microsoft.Extensions.AI;

namespace Coach.AspNetCore.Chat;

/// <summary>What a question brings along: pictures, PDF files and texts, each what it says it is.</summary>
internal static partial class ChatFiles
{
    private const int MaxNameLength = 200;
    private const string Pdf = "application/pdf";
    private const string Json = "application/json";

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Checks the files of a question and turns them into what a model is sent.</summary>
    /// <param name="files">The files; null for none.</param>
    /// <param name="options">The limits.</param>
    public static (IReadOnlyList<DataContent> Contents, CoachProblem? Problem) Read(
        IReadOnlyList<ChatFile>? files, CoachChatOptions options)
    {
        if (files is null or { Count: 0 })
        {
            return ([], null);
        }

        if (files.Count > options.MaxFiles)
        {
            return ([], Refused(options.MaxFiles == 0
                ? "This host takes no files with a question."
                : string.Create(CultureInfo.InvariantCulture, $"A question takes at most {options.MaxFiles} files.")));
        }

        var contents = new List<DataContent>(files.Count);
        long total = 0;
        foreach (ChatFile? file in files)
        {
            total += file?.Data?.Length ?? 0;
            if (total > options.MaxFileBytes)
            {
                return ([], Refused(string.Create(
                    CultureInfo.InvariantCulture,
                    $"The files of a question hold at most {options.MaxFileBytes} bytes together. Send fewer or smaller ones.")));
            }

            (DataContent? content, string? reason) = ReadOne(file);
            if (content is null)
            {
                return ([], Refused(reason!));
            }

            contents.Add(content);
        }

        return (contents, null);
    }

    private static (DataContent? Content, string? Reason) ReadOne(ChatFile? file)
    {
        if (file?.Data is not { Length: > 0 } data)
        {
            return (null, "A file is empty or without its data. Send {\"name\", \"mediaType\", \"data\": base64}.");
        }

        string type = TypeOf(file.MediaType ?? "");
        string? found = Sniff(data);
        bool isText = type == Json || type.StartsWith("text/", StringComparison.Ordinal);
        if (isText && MediaType().IsMatch(type))
        {
            // Sent as a text, whatever kind of text it is.
            return IsText(data)
                ? (new DataContent(data, "text/plain") { Name = NameOf(file.Name) }, null)
                : (null, "A text file must be UTF-8 without control characters. Save it as UTF-8 and send it again.");
        }

        return found is not null && found == type
            ? (new DataContent(data, found) { Name = NameOf(file.Name) }, null)
            : (null, "A file is a PNG, JPEG, GIF or WebP picture, a PDF or a text in UTF-8, and its mediaType says which.");
    }

    private static string TypeOf(string mediaType)
    {
        int end = mediaType.IndexOf(';', StringComparison.Ordinal);
        string type = (end < 0 ? mediaType : mediaType[..end]).Trim().ToLowerInvariant();
        return type == "image/jpg" ? "image/jpeg" : type;
    }

    private static string? Sniff(ReadOnlySpan<byte> data) => data switch
    {
        [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => "image/png",
        [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
        [(byte)'G', (byte)'I', (byte)'F', (byte)'8', (byte)'7' or (byte)'9', (byte)'a', ..] => "image/gif",
        [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', ..] =>
            "image/webp",
        [(byte)'%', (byte)'P', (byte)'D', (byte)'F', (byte)'-', ..] => Pdf,
        _ => null,
    };

    private static bool IsText(byte[] data)
    {
        try
        {
            return !Utf8.GetString(data).Any(static c => char.IsControl(c) && c is not ('\t' or '\n' or '\r' or '\f'));
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }

    // A name is shown to people and to the model: one line, no path.
    private static string NameOf(string? name)
    {
        string last = (name ?? "").Split('/', '\\')[^1];
        string clean = new([.. last.Where(static c => !char.IsControl(c) && !char.IsSurrogate(c)).Take(MaxNameLength)]);
        return string.IsNullOrWhiteSpace(clean) ? "file" : clean.Trim();
    }

    private static CoachProblem Refused(string detail) => CoachProblem.Invalid(detail) with { Field = "files" };

    [GeneratedRegex(@"^[a-z]+/[a-z0-9.+\-]{1,100}\z", RegexOptions.CultureInvariant)]
    private static partial Regex MediaType();
}
