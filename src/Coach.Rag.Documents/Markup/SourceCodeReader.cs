using System.Collections.Frozen;

namespace Coach.Rag.Documents.Markup;

/// <summary>
/// Reads source code: each declaration that starts at the margin, with the comment above it, is a block under the
/// declaration's first line.
/// </summary>
internal sealed class SourceCodeReader : IDocumentReader
{
    private const int MaxHeading = 120;

    private static readonly FrozenSet<string> Extensions = FrozenSet.Create(StringComparer.Ordinal,
        ".cs", ".fs", ".vb", ".java", ".kt", ".kts", ".scala", ".groovy", ".py", ".pyi", ".rb", ".php", ".pl", ".pm",
            ".js", ".mjs", ".cjs", ".jsx",
        ".ts", ".tsx", ".go", ".rs", ".swift", ".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".m", ".mm", ".dart",
            ".lua", ".jl", ".ex",
        ".exs", ".erl", ".hs", ".ml", ".clj", ".sql", ".sh", ".bash", ".zsh", ".ps1", ".proto", ".graphql", ".tf", ".r",
            ".yaml", ".yml",
        ".toml", ".ini", ".cfg", ".conf", ".properties", ".css", ".scss", ".vue", ".svelte", ".gradle", ".cmake",
            ".bicep", ".xml", ".csproj");

    public string Name => "code/1";

    public DocumentMatch Match(DocumentFile file) =>
        Extensions.Contains(file.Extension) || file.FileName is "Dockerfile" or "Makefile" or "Jenkinsfile"
            or "CMakeLists.txt"
            ? DocumentMatch.Name : DocumentMatch.None;

    public ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
    {
        string text = file.ReadText(out string? note);
        var lines = new LineReader(text);
        var blocks = new List<TextBlock>();
        int start = 0;
        int declaration = -1;
        for (int line = 0; line < lines.Count; line++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!IsDeclaration(lines[line]))
            {
                continue;
            }

            int from = CommentStart(lines, line, start);
            Add(lines, start, from, declaration, blocks);
            (start, declaration) = (from, line);
        }

        Add(lines, start, lines.Count, declaration, blocks);
        return ValueTask.FromResult(
            new StructuredText(text, file.FileName, blocks) { Notes = note is null ? [] : [note] });
    }

    private static void Add(LineReader lines, int from, int to, int declaration, List<TextBlock> blocks)
    {
        int start = lines.StartOf(from);
        int end = lines.StartOf(to);
        if (!lines.Text.AsSpan(start, end - start).IsWhiteSpace())
        {
            ReadOnlySpan<char> name = lines[declaration].Trim().TrimEnd("{:=( ");
            string heading = name.Length > MaxHeading ? name[..MaxHeading].ToString() : name.ToString();
            blocks.Add(new TextBlock(start, end, heading.Replace('\u001F', ' ')) { Kind = TextBlockKind.Code });
        }
    }

    // The comment and the attributes right above a declaration belong to it.
    private static int CommentStart(LineReader lines, int line, int least)
    {
        int start = line;
        while (start > least && !lines.IsBlank(start - 1) && IsAbove(lines[start - 1].TrimStart()))
        {
            start--;
        }

        return start;
    }

    private static bool IsAbove(ReadOnlySpan<char> line) =>
        line.StartsWith("//") || line.StartsWith("#") || line.StartsWith("/*") || line.StartsWith("*")
            || line.StartsWith("--")
            || line.StartsWith("@") || line.StartsWith("[") || line.StartsWith("'")
            || line.StartsWith(";") || line.StartsWith("template");

    // A word at the margin, or one level in: what most languages' types, functions and sections begin with.
    private static bool IsDeclaration(ReadOnlySpan<char> line)
    {
        if (line.IsEmpty || !(char.IsAsciiLetter(line[0]) || line[0] == '['))
        {
            return false;
        }

        ReadOnlySpan<char> word = line[..Math.Max(0, EndOfWord(line))];
        return word is "class" or "def" or "func" or "function" or "fn" or "struct" or "interface" or "enum" or "trait"
            or "impl" or "module"
            or "namespace" or "package" or "type" or "record" or "object" or "protocol" or "extension" or "public"
                or "private" or "internal"
            or "protected" or "export" or "async" or "abstract" or "sealed" or "static" or "data" or "pub"
                or "defmodule" or "message"
            or "service" or "resource" or "CREATE" or "create" or "FROM" or "sub" or "template"
            || (line[0] == '[' && line.TrimEnd() is [.., ']']);
    }

    private static int EndOfWord(ReadOnlySpan<char> line)
    {
        int end = 0;
        while (end < line.Length && (char.IsAsciiLetterOrDigit(line[end]) || line[end] == '_'))
        {
            end++;
        }

        return end;
    }
}
