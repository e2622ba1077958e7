using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Processor.Registry;

/// <summary>A reference to a processor, <c>ns/name@N</c>, and the names that are made of it.</summary>
/// <param name="Namespace">The part before the slash.</param>
/// <param name="Name">The part between slash and @.</param>
/// <param name="Version">A whole number, from 0.</param>
internal sealed record ProcessorRef(string Namespace, string Name, int Version)
{
    /// <summary><c>ns-name-vN</c>.</summary>
    public string Slug => $"{Clean(Namespace)}-{Clean(Name)}-v{Version}";

    /// <summary>Reads <c>ns/name@N</c>; neither part may be empty, climb out of a folder or hold a slash.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out ProcessorRef? reference)
    {
        reference = null;
        if (text is null || text.Length > 200)
        {
            return false;
        }

        int at = text.IndexOf('@', StringComparison.Ordinal);
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0 || at <= slash + 1 || !IsPart(text[..slash]) || !IsPart(text[(slash + 1)..at]))
        {
            return false;
        }

        ReadOnlySpan<char> version = text.AsSpan(at + 1);
        if (version.IsEmpty || version.ContainsAnyExceptInRange('0', '9') || !int.TryParse(version, out int number))
        {
            return false;
        }

        reference = new ProcessorRef(text[..slash], text[(slash + 1)..at], number);
        return true;
    }

    /// <summary>
    /// The name of the app in an environment: dev carries branch and user, all others the slug alone.
    /// </summary>
    /// <exception cref="ProcessorException">dev without a branch or a user.</exception>
    public string AppName(string environment, string? branch, string? user)
    {
        if (!string.Equals(environment, "dev", StringComparison.OrdinalIgnoreCase))
        {
            return Slug;
        }

        if (string.IsNullOrWhiteSpace(branch) || string.IsNullOrWhiteSpace(user))
        {
            throw new ProcessorException(
                RunErrors.Inputs, "An app of environment dev is named after branch and user: give --branch and --user.");
        }

        return $"{Clean(branch)}-{Clean(user)}-{Slug}";
    }

    /// <inheritdoc />
    public override string ToString() => $"{Namespace}/{Name}@{Version}";

    // Lower case; each run of characters outside a-z, 0-9 and '-' becomes one '-'.
    private static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        bool wasOther = false;
        foreach (char c in text.Trim().ToLowerInvariant())
        {
            bool isKept = char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-';
            if (isKept || !wasOther)
            {
                clean.Append(isKept ? c : '-');
            }

            wasOther = !isKept;
        }

        return clean.ToString();
    }

    private static bool IsPart(string part) =>
        part is not ("." or "..") && !part.AsSpan().ContainsAny("/\\@\0 \t\r\n");
}
