using Coach.Rag.Embeddings;
using Coach.Rag.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rag.MiniLM.Tests.Hosting;

public sealed class CoachRagMiniLMBuilderExtensionsTests
{
    [Fact]
    public async Task UseMiniLM_AQuestionInOtherWords_IsAnsweredAtTheHybridTier()
    {
        await using var host = new RagHost(rag => rag.UseMiniLM(), o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync(
        [
            new("refunds", "Money is returned to the customer within five working days."),
            new("opening", "The shop opens at nine and closes at six."),
            new("parking", "Cars may stand behind the house for two hours."),
        ]);
        await host.Knowledge.EmbedAsync();
        Retrieval retrieval = await host.Retriever.RetrieveAsync("Where can I leave my vehicle?");
        Assert.Equal(RagTier.Hybrid, retrieval.Tier);
        Assert.Equal("parking", retrieval.Passages[0].DocumentId);
    }

    [Fact]
    public void UseMiniLM_TwoRegistrations_ShareTheEncoder()
    {
        var services = new ServiceCollection();
        services.AddCoachRag().UseMiniLM();
        services.AddCoachRag("menu").UseMiniLM();
        Assert.Single(services, service => service.ServiceType == typeof(EncoderEmbeddingGenerator));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65)]
    public void UseMiniLM_ThreadsOutOfRange_AreRefused(int threads) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ServiceCollection().AddCoachRag().UseMiniLM(threads));

    [Fact]
    public void Assembly_ReferencesNothingOfTheWeightsPackage() =>
        Assert.DoesNotContain(
            typeof(MiniLMModel).Assembly.GetReferencedAssemblies(),
            reference => reference.Name!.Contains("Transformers", StringComparison.OrdinalIgnoreCase));
}
