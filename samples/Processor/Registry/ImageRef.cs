using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Processor.Registry;

/// <summary>An image that is pinned by its digest: <c>host/path@sha256:…</c>, in which no tag can be moved.</summary>
/// <param name="Repository">The part before the @.</param>
/// <param name="Digest"><c>sha256:</c> and 64 hexadecimal digits.</param>
internal sealed partial record ImageRef(string Repository, string Digest)
{
    public static bool TryParse(string? text, [NotNullWhen(true)] out ImageRef? image)
    {
        Match match = text is { Length: <= 512 } ? Pinned().Match(text) : Match.Empty;
        image = match.Success ? new ImageRef(match.Groups["name"].Value, match.Groups["digest"].Value) : null;
        return image is not null;
    }

    /// <inheritdoc />
    public override string ToString() => $"{Repository}@{Digest}";

    // The grammar of github.com/distribution/reference, with a digest and without a tag.
    [GeneratedRegex(
        @"\A(?<name>(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
        + @"(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)@(?<digest>sha256:[0-9a-f]{64})\z",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Pinned();
}
