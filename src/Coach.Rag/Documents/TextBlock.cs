namespace Coach.Rag;

/// <summary>A paragraph, list item, table or code block: a character range under some headings.</summary>
/// <param name="Start">The first character.</param>
/// <param name="End">The character after the last.</param>
/// <param name="Heading">The headings above it, outermost first, joined by U+001F; empty when there are none.</param>
public readonly record struct TextBlock(int Start, int End, string Heading)
{
    internal const char Separator = '\u001F';

    /// <summary>What it is.</summary>
    /// <value><see cref="TextBlockKind.Paragraph"/> unless set.</value>
    public TextBlockKind Kind { get; init; }

    /// <summary>The page, slide or sheet it is on, from 1.</summary>
    /// <value>0 when its format has none.</value>
    public int Page { get; init; }

    /// <summary>Where the lines that may be cut apart begin: the first line within the fences of a code
    /// block.</summary>
    internal int BodyStart { get; init; } = Start;

    /// <summary>Where they end.</summary>
    internal int BodyEnd { get; init; } = End;

    /// <summary>
    /// The end of what each further piece repeats, from <see cref="BodyStart"/>: the head of a table, the first line of
    /// code. <see cref="BodyStart"/> when nothing is.
    /// </summary>
    internal int HeadEnd { get; init; } = Start;

    /// <summary>Of a table: where its rows end.</summary>
    internal Documents.TableRows Rows { get; init; }

    /// <summary>Headings by level, those that are missing left out.</summary>
    internal static string Path(ReadOnlySpan<string> headings)
    {
        var path = new System.Text.StringBuilder();
        foreach (string? heading in headings)
        {
            if (!string.IsNullOrEmpty(heading))
            {
                path.Append(path.Length > 0 ? Separator.ToString() : "").Append(heading);
            }
        }

        return path.ToString();
    }
}
