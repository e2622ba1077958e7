using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace Coach.Rules.Tests;

/// <summary>Lines of source end at 120 columns. A text is not cut for that: a line may be longer where one stands in it.</summary>
public sealed class LineTests
{
    private const int Columns = 120;
    private const int ShortText = 15;

    [Fact]
    public void Lines_OfShippedCode_EndAt120Columns()
    {
        string shared = Path.Combine(Repository.Root, "src", "Shared");
        IEnumerable<string> files = Repository.Packages.SelectMany(Repository.SourceFiles).Concat(Directory.GetFiles(shared, "*.cs"));
        Assert.Empty(files.SelectMany(LongLines));
    }

    private static IEnumerable<string> LongLines(string file)
    {
        SourceText text = SourceText.From(File.ReadAllText(file));
        TextLine[] lines = [.. text.Lines.Where(line => line.Span.Length > Columns)];
        if (lines.Length == 0)
        {
            return [];
        }

        SyntaxNode root = CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Latest)).GetRoot();
        return lines
            .Where(line => !root.DescendantTokens(line.Span, descendIntoTrivia: true).Any(IsText))
            .Select(line => $"{Path.GetRelativePath(Repository.Root, file)}:{line.LineNumber + 1}");
    }

    private static bool IsText(SyntaxToken token) => token.Span.Length > ShortText && token.Kind() is
        SyntaxKind.StringLiteralToken or SyntaxKind.Utf8StringLiteralToken or SyntaxKind.InterpolatedStringTextToken
        or SyntaxKind.SingleLineRawStringLiteralToken or SyntaxKind.MultiLineRawStringLiteralToken;
}
