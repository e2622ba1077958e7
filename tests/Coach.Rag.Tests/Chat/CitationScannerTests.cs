using Coach.Rag.Chat;
using FsCheck;
using FsCheck.Fluent;

namespace Coach.Rag.Tests.Chat;

public sealed class CitationScannerTests
{
    private static readonly Passage[] Passages = [.. Enumerable.Range(1, 5).Select(n => new Passage($"text {n}", $"s{n}", 0, 6, 1))];

    [Theory]
    [InlineData("Yes [1].", "1")]
    [InlineData("Yes[2]. No[1].", "1 2")]
    [InlineData("Yes [1][2] and [[4]].", "1 2 4")]
    [InlineData("Yes [1, 3] and [4;5].", "1 3 4 5")]
    [InlineData("Yes [2-4], or [4–5].", "2 3 4 5")]
    [InlineData("Yes 【1】【2†notes.md】 and 【3†lines 4-5】.", "1 2 3")]
    [InlineData("Yes [^2].", "2")]
    [InlineData("See [3](https://example.org/[x]).", "3")]
    [InlineData("Wrong [0], [6], [1, 99], [99999999999], [-1], [4-2].", "1")]
    [InlineData("Huge [3-99999999].", "3 4 5")]
    [InlineData("None: [], [a1], [1.5], [1 of 2], [one], (1), 1], [1", "")]
    [InlineData("None: 【1], [1】 and [\n", "")]
    [InlineData("Call `list[1]` or ``a `b[2]` c`` as in [3].", "3")]
    [InlineData("```csharp\nitems[1] = items[2];\n\nmore[3]\n```\nThat is from [4].", "4")]
    [InlineData("```\nnever closed\n\n [1]", "1")]
    [InlineData("The ` key opens it [1].\n\nThe rest [2].", "1 2")]
    [InlineData("The ` key opens it [1].", "1")]
    [InlineData("", "")]
    public void Citations_OfAnswer_AreThoseThatPointAtAPassage(string answer, string expected)
    {
        for (int piece = 1; piece <= answer.Length + 1; piece++)
        {
            var scanner = new CitationScanner(Passages.Length);
            for (int i = 0; i < answer.Length; i += piece)
            {
                scanner.Read(answer.AsSpan(i, Math.Min(piece, answer.Length - i)));
            }

            Assert.Equal(expected, string.Join(' ', scanner.Citations(Passages).Select(citation => citation.Number)));
        }
    }

    [Theory]
    [InlineData("Use the lock [1] and [1, 2].", "1: [1] [1, 2]; 2: [1, 2]")]
    [InlineData("A☕[1-2] 😀【1†notes】", "1: [1-2] 【1†notes】; 2: [1-2]")]
    [InlineData("`a[1]` then [1], then [2][2].", "1: [1]; 2: [2] [2]")]
    [InlineData("The ` key [1].\n\nThen [1].", "1: [1] [1]")]
    [InlineData("[1,1]", "1: [1,1]")]
    public void Citations_OfAnswer_SayWhereTheyStand(string answer, string expected)
    {
        var scanner = new CitationScanner(Passages.Length);
        scanner.Read(answer.AsSpan(0, answer.Length / 2));
        scanner.Read(answer.AsSpan(answer.Length / 2));
        Citation[] citations = [.. scanner.Citations(Passages)];
        Assert.Equal(expected, string.Join("; ", citations.Select(citation => $"{citation.Number}: "
            + string.Join(' ', citation.At.Select(at => answer.Substring(at.Start, at.Length))))));
        Assert.All(citations, citation => Assert.Equal(
            citation.At.Distinct().OrderBy(at => at.Start), citation.At));
    }

    [Fact]
    public void Citations_AnyText_NameEachPassageOnceInOrder() => Check.QuickThrowOnFailure(Prop.ForAll(
        ArbMap.Default.ArbFor<string[]>(),
        pieces =>
        {
            var scanner = new CitationScanner(Passages.Length);
            foreach (string? piece in pieces)
            {
                scanner.Read(piece);
                scanner.Read("[`,2-");
            }

            int[] numbers = [.. scanner.Citations(Passages).Select(citation => citation.Number)];
            return numbers.Order().Distinct().SequenceEqual(numbers) && numbers.All(n => n is >= 1 and <= 5);
        }));
}
