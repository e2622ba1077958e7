namespace Coach.Rag.Tests.Tiers;

public sealed class KnowledgeScopeTests
{
    [Fact]
    public void Default_IsTheSharedScope_AndANameIsItself()
    {
        Assert.Equal(KnowledgeScope.Shared, default(KnowledgeScope));
        Assert.Equal("", KnowledgeScope.Shared.Name);
        Assert.Equal("acme", KnowledgeScope.Of("acme").Name);
        Assert.NotEqual(KnowledgeScope.Of("acme"), KnowledgeScope.Of("other"));
        Assert.Throws<ArgumentException>(() => KnowledgeScope.Of(""));
    }
}
