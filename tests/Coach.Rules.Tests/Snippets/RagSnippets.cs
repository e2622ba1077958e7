using Coach.Rag;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rules.Tests.Snippets;

internal static class RagSnippets
{
    private sealed class MenuCard(IRetriever retriever)
    {
        public IRetriever Retriever => retriever;
    }

    public static void Register(IServiceCollection services)
    {
        #region register
        services.AddCoachRag()
            .WithSource("docs")
            .UseIndexFile("data/docs.coach");
        #endregion
    }

    public static void RegisterNamed(IServiceCollection services)
    {
        #region named
        services.AddCoachRag("menu").WithSource("menus");
        services.AddSingleton(provider => new MenuCard(provider.GetRequiredKeyedService<IRetriever>("menu")));
        #endregion
    }

    public static async Task Retrieve(IRetriever retriever)
    {
        #region retrieve
        Retrieval retrieval = await retriever.RetrieveAsync("How do I restore a backup?");
        foreach (Passage passage in retrieval.Passages)
        {
            Console.WriteLine($"{passage.Source} ({passage.Heading}): {passage.Text}");
        }

        if (retrieval.Degradation is { IsFailure: true } degradation)
        {
            Console.WriteLine($"answered by {retrieval.Tier}: {degradation.Message}");
        }
        #endregion
    }

    public static async Task Chat(IChatClient model, IRetriever retriever, string question)
    {
        #region chat
        using IChatClient grounded = new RagChatClient(model, retriever);
        await foreach (ChatResponseUpdate update in grounded.GetStreamingResponseAsync(question))
        {
            Console.Write(update.Text);
            foreach (Citation citation in update.Contents.OfType<CitationsContent>().SelectMany(end => end.Citations))
            {
                Console.WriteLine($"[{citation.Number}] {citation.Passage.Source}");
            }
        }
        #endregion
    }

    public static async Task Ingest(IKnowledgeBase knowledge, IRetriever retriever)
    {
        #region ingest
        IngestReport report = await knowledge.AddOrUpdateAsync(
            [new KnowledgeDocument("faq-17", "Refunds take five days.") { Title = "Refunds", Metadata = new Dictionary<string, string> { ["lang"] = "en" } }]);
        Retrieval english = await retriever.RetrieveAsync("refund", new RetrievalOptions { Filter = MetadataFilter.Equal("lang", "en"), Top = 3 });
        #endregion
        Console.WriteLine($"{report.Added} {english.Passages.Count}");
    }

    public static void RegisterScopes(IServiceCollection services)
    {
        #region scopes
        services.AddCoachRag().WithScopes("data/scopes");
        #endregion
    }

    public static async Task Scopes(IKnowledgeBases bases, string text)
    {
        #region open-scope
        OpenKnowledge acme = (await bases.OpenAsync(KnowledgeScope.OfTenant("acme")))!;      // bases: IKnowledgeBases
        await acme.Knowledge.AddOrUpdateAsync([new KnowledgeDocument("handbook", text)]);
        Retrieval found = await acme.Retriever.RetrieveAsync("How many days off are there?");
        await bases.RemoveAsync(KnowledgeScope.OfTenant("acme"));      // erases its files
        #endregion
        Console.WriteLine(found.Tier);
    }

    public static async Task Evaluate(IKnowledgeBase knowledge, IRetriever retriever)
    {
        #region evaluate
        BeirCollection collection = await BeirCollection.LoadAsync("my-questions");
        await knowledge.AddOrUpdateAsync(collection.Documents);
        await knowledge.LearnAsync();
        RetrievalEvaluation figures = await new RetrievalEvaluator(retriever).EvaluateAsync(collection.Queries);
        Console.WriteLine($"nDCG@10 {figures.Ndcg10:0.000}, recall@100 {figures.Recall100:0.000}");
        #endregion
    }
}
