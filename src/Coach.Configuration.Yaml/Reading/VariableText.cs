using System.Globalization;
using System.Text;

namespace Coach.Configuration.Yaml.Reading;

/// <summary>
/// Variables in a file's text. They are taken out before YAML is read, so that a default may hold what YAML gives a
/// meaning to (<c>[ ] { } , : #</c>), and put into the scalars afterwards: a value never changes the file's structure.
/// </summary>
internal sealed class VariableText
{
    // Private use characters stand in for a variable: YAML takes them as letters.
    private const char Begin = '\uE100';
    private const char End = '\uE101';

    private const int MaxLength = 1_024;
    private const int MaxNesting = 4;

    private readonly List<Reference> _references = [];
    private readonly string _file;
    private readonly Func<string, string?> _variables;

    public VariableText(string text, string file, Func<string, string?> variables)
    {
        _file = file;
        _variables = variables;
        Text = TakeOut(text, 1, 0);
    }

    /// <summary>The text with a mark for each variable.</summary>
    public string Text { get; }

    /// <summary>What a scalar holds when it is one variable and nothing else.</summary>
    public bool TrySingle(string scalar, out Reference reference)
    {
        reference = default!;
        int end = scalar.IndexOf(End, StringComparison.Ordinal);
        if (scalar.Length < 3 || scalar[0] != Begin || end != scalar.Length - 1)
        {
            return false;
        }

        reference = _references[Number(scalar[1..^1])];
        return true;
    }

    /// <summary>The value of a variable, or its default.</summary>
    /// <exception cref="YamlConfigurationException">It is not set and has no default, or is written
    /// wrongly.</exception>
    public (string Text, bool IsDefault) Resolve(Reference reference)
    {
        if (reference.Problem is { } problem)
        {
            throw new YamlConfigurationException(_file, reference.Line, problem);
        }

        string? value = _variables(reference.Name);
        if (reference.Default is { } fallback)
        {
            return string.IsNullOrEmpty(value) ? (PutIn(fallback), true) : (value, false);
        }

        return value is null
            ? throw new YamlConfigurationException(
                _file, reference.Line,
                $"the variable {reference.Name} is not set. Set it, or give a default: ${{{reference.Name}:-default}}.")
            : (value, false);
    }

    /// <summary>A scalar with its variables' values.</summary>
    public string PutIn(string scalar)
    {
        if (!scalar.Contains(Begin, StringComparison.Ordinal))
        {
            return scalar;
        }

        var text = new StringBuilder(scalar.Length);
        int at = 0;
        while (at < scalar.Length)
        {
            int begin = scalar.IndexOf(Begin, at);
            if (begin < 0)
            {
                text.Append(scalar, at, scalar.Length - at);
                break;
            }

            int end = scalar.IndexOf(End, begin);
            text.Append(scalar, at, begin - at);
            text.Append(Resolve(_references[Number(scalar[(begin + 1)..end])]).Text);
            at = end + 1;
        }

        return text.ToString();
    }

    private static int Number(string digits) => int.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);

    // "$${" is a literal "${".
    private string TakeOut(string text, int line, int depth)
    {
        var rest = new StringBuilder(text.Length);
        int at = 0;
        while (at < text.Length)
        {
            char letter = text[at];
            if (letter is Begin or End)
            {
                throw new YamlConfigurationException(
                    _file, line,
                    "the characters U+E100 and U+E101 have no place in a configuration file. Remove them.");
            }

            if (letter == '\n')
            {
                line++;
            }

            if (letter == '$' && string.CompareOrdinal(text, at, "$${", 0, 3) == 0)
            {
                rest.Append("${");
                at += 3;
            }
            else if (letter == '$' && at + 1 < text.Length && text[at + 1] == '{')
            {
                int end = ClosingBrace(text, at + 2);
                string inner = end < 0 ? "" : text[(at + 2)..end];
                rest.Append(Begin).Append(Add(inner, end < 0, line, depth)).Append(End);
                at = end < 0 ? at + 2 : end + 1;
            }
            else
            {
                rest.Append(letter);
                at++;
            }
        }

        return rest.ToString();
    }

    // Braces in a default are matched; a variable ends on its line.
    private static int ClosingBrace(string text, int at)
    {
        int open = 1;
        int limit = Math.Min(text.Length, at + MaxLength);
        for (int i = at; i < limit && text[i] is not ('\n' or '\r'); i++)
        {
            open += text[i] switch
            {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            if (open == 0)
            {
                return i;
            }
        }

        return -1;
    }

    private int Add(string inner, bool isOpen, int line, int depth)
    {
        int nameEnd = 0;
        while (nameEnd < inner.Length && (char.IsAsciiLetterOrDigit(inner[nameEnd]) || inner[nameEnd] == '_'))
        {
            nameEnd++;
        }

        string name = inner[..nameEnd];
        string rest = inner[nameEnd..];
        bool isName = name.Length > 0 && !char.IsAsciiDigit(name[0]);
        bool isForm = rest.Length == 0 || rest.StartsWith(":-", StringComparison.Ordinal);
        string? problem = (isOpen, depth > MaxNesting, isName && isForm) switch
        {
            (true, _, _) => "a ${ is not closed on its line, or only after more than 1,024 characters. Close it "
                + "with }, or write $${ for the characters themselves.",
            (_, true, _) => "defaults hold variables more than 4 deep. Give one of them a plain default.",
            (_, _, false) => "a variable must be written ${NAME} or ${NAME:-default}, the name in letters, digits and "
                + "underscores. Write $${ for the characters themselves.",
            _ => null,
        };
        string? fallback = problem is null && rest.Length > 0 ? TakeOut(rest[2..], line, depth + 1) : null;
        _references.Add(new Reference(name, fallback, line, problem));
        return _references.Count - 1;
    }

    /// <summary>A variable in the text.</summary>
    internal sealed record Reference(string Name, string? Default, int Line, string? Problem);
}
