using Coach.Rag;
using Coach.Rag.Languages;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the languages of Coach.Rag.Languages.</summary>
public static class CoachRagLanguagesBuilderExtensions
{
    /// <summary>
    /// Reads documents and questions in these languages beside English: by the stems of their words, without their stop
    /// words, and in German, Dutch, Danish, Norwegian, Swedish, Finnish and Hungarian also by the parts of compounds.
    /// </summary>
    /// <param name="builder">The registration.</param>
    /// <param name="languages">
    /// Two-letter codes (ISO 639-1) out of <see cref="SnowballLanguages.Codes"/>; all of them when none is given.
    /// </param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">A code is not one of them.</exception>
    public static CoachRagBuilder WithLanguages(this CoachRagBuilder builder, params IEnumerable<string> languages)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(languages);
        string[] chosen = [.. languages];
        foreach (string code in chosen.Length == 0 ? SnowballLanguages.Codes : chosen)
        {
            builder.WithLanguage(SnowballLanguages.Create(code));
        }

        return builder;
    }
}
