using Coach.Rag.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rag.Embeddings.Tests.Hosting;

public sealed class CoachRagEmbeddingsBuilderExtensionsTests : IDisposable
{
    private readonly ModelFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task UseModel2Vec_ModelFolder_AnswersAtTheHybridTier()
    {
        string folder = _folder.Tokenizer(ModelFolder.BertTokenizer).Config(normalize: false).Tensors(ModelFolder.TenRows()).Path;
        await using var host = new RagHost(rag => rag.UseModel2Vec(folder), o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([new("1", "play a"), new("2", "cafe"), new("3", "player")]);
        Retrieval retrieval = await host.Retriever.RetrieveAsync("play");
        Assert.Equal(RagTier.Hybrid, retrieval.Tier);
        Assert.Equal("1", retrieval.Passages[0].DocumentId);
    }

    [Fact]
    public void UseModel2Vec_TwoRegistrations_LoadTheirOwnModels()
    {
        var services = new ServiceCollection();
        services.AddCoachRag().UseModel2Vec(_folder.Path);
        services.AddCoachRag("menu").UseModel2Vec(_folder.Path);
        Assert.Equal(2, services.Count(service => service.ServiceType == typeof(Model2VecEmbeddingGenerator)));
    }

    [Fact]
    public void UseModel2Vec_FolderWithoutAModel_SaysSoWhenTheRetrieverIsResolved()
    {
        var services = new ServiceCollection();
        services.AddCoachRag().UseModel2Vec(_folder.Path);
        using ServiceProvider provider = services.BuildServiceProvider();
        RagException error = Assert.Throws<RagException>(provider.GetRequiredService<IRetriever>);
        Assert.Equal(RagError.ModelInvalid, error.Error);
    }

    [Fact]
    public void UseModel2Vec_BlankFolder_IsRefused() =>
        Assert.Throws<ArgumentException>(() => new ServiceCollection().AddCoachRag().UseModel2Vec(" "));
}
