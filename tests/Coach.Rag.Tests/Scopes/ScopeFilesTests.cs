using System.Text.RegularExpressions;
using Coach.Abstractions;
using Coach.Rag.Scopes;

namespace Coach.Rag.Tests.Scopes;

public sealed partial class ScopeFilesTests
{
    private static readonly string[] Hostile =
    [
        "a", "A", "a ", " a", "a.", "a/", "a/b", "a\\b", "..", "../..", "../../etc/passwd", "/etc/passwd", "C:\\x", "con", "NUL", "aux.txt", "", "\0", "a\0b",
        "\u00e9", "e\u0301", "\uFB01", "fi", "\u0130", "i", "I", "\u0131", "\u00DF", "ss", "SS", "\uD800", "\uD801", "\uFFFD", "\u200B", "a\u200B", "%2e%2e", "~", "-", "*", "?",
        "\u202Eoc.x", new string('x', 5000), new string('x', 5001), "s:-:1", "u:-:1", "t:1",
    ];

    [Fact]
    public void NameOf_AnyTwoScopes_AreFilesOfTheirOwnInTheFolder()
    {
        KnowledgeScope[] scopes =
        [
            .. Hostile.Where(name => name.Length > 0).SelectMany(name => new[] { KnowledgeScope.Of(name), KnowledgeScope.OfTenant(name) }),
            .. Hostile.Where(name => !string.IsNullOrWhiteSpace(name) && name.Length <= 256)
                .Select(name => KnowledgeScope.OfCaller(new CallerContext(SessionId.From("s"), name, "t"))),
        ];
        string[] names = [.. scopes.Select(ScopeFiles.NameOf)];
        Assert.All(names, name => Assert.Matches(FileName(), name));
        Assert.Equal(scopes.Length, names.Distinct(StringComparer.OrdinalIgnoreCase).Count());
    }

    [Fact]
    public void NameOf_SameScope_IsTheSameFile()
    {
        Assert.Equal(ScopeFiles.NameOf(KnowledgeScope.Of("acme")), ScopeFiles.NameOf(KnowledgeScope.Of("acme")));
        var session = SessionId.From("s");
        Assert.Equal(KnowledgeScope.OfSession(session), KnowledgeScope.OfCaller(new CallerContext(session)));
        Assert.Equal(KnowledgeScope.OfSession(session), KnowledgeScope.OfCaller(new CallerContext(session, null, "acme")));
        Assert.NotEqual(
            KnowledgeScope.OfCaller(new CallerContext(session, "u", "a")), KnowledgeScope.OfCaller(new CallerContext(session, "u", "b")));
    }

    [GeneratedRegex(@"\A[0-9a-f]{64}\.coach\z")]
    private static partial Regex FileName();
}
