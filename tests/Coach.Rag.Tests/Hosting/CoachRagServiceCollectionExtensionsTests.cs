using Coach.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.Rag.Tests.Hosting;

public sealed class CoachRagServiceCollectionExtensionsTests
{
    [Fact]
    public async Task AddCoachRag_WithNames_KeepsKnowledgeOptionsAndHealthApart()
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(
            new Dictionary<string, string?> { ["Coach:Rag:Top"] = "2", ["Coach:Rag:menu:Top"] = "1" }).Build());
        services.AddCoachRag();
        services.AddCoachRag("menu", o => o.Learn = false);
        services.AddCoachRag("menu").WithDocuments(new KnowledgeDocument("soup", "Pumpkin soup."), new KnowledgeDocument("stew", "Pumpkin stew."));
        await using ServiceProvider provider = services.BuildServiceProvider();
        await provider.GetRequiredService<IKnowledgeBase>().AddOrUpdateAsync([new("a", "Pumpkin one."), new("b", "Pumpkin two."), new("c", "Pumpkin three.")]);
        Retrieval plain = await provider.GetRequiredService<IRetriever>().RetrieveAsync("pumpkin");
        Retrieval menu = await provider.GetRequiredKeyedService<IRetriever>("menu").RetrieveAsync("pumpkin");
        Assert.Equal(2, plain.Passages.Count);
        Assert.StartsWith("Pumpkin s", Assert.Single(menu.Passages).Text, StringComparison.Ordinal);
        Assert.Equal(2, provider.GetRequiredKeyedService<IKnowledgeBase>("menu").DocumentCount);
        Assert.Equal(["documents", "rag", "documents_menu", "rag_menu"], provider.GetServices<IComponentHealth>().Select(health => health.Name));
        Assert.Null(provider.GetKeyedService<IRetriever>("other"));
    }

    [Fact]
    public void AddCoachRag_NamedOptionOutOfRange_NamesItsKey()
    {
        var services = new ServiceCollection();
        services.AddCoachRag("menu", o => o.Top = 0);
        using ServiceProvider provider = services.BuildServiceProvider();
        OptionsValidationException error = Assert.Throws<OptionsValidationException>(() => provider.GetRequiredKeyedService<IRetriever>("menu"));
        Assert.Equal("Coach:Rag:menu:Top is 0; it must be between 1 and 1000.", error.Message);
    }

    [Theory]
    [InlineData("Menu")]
    [InlineData("a b")]
    [InlineData("")]
    public void AddCoachRag_NameThatIsNoLabel_IsRefused(string name) =>
        Assert.Throws<ArgumentException>(() => new ServiceCollection().AddCoachRag(name));
}
