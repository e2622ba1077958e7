using Coach.Llm;
using Coach.Rag;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Coach.AspNetCore.Tests.Hosting;

public sealed class ContainerTests
{
    [Fact]
    public void Container_DisposedWithoutWaiting_DoesNotThrow()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.AddCoach();
        builder.Services.AddLogging();
        builder.Services.AddSingleton(builder.Configuration);
        builder.Services.AddSingleton<Microsoft.Extensions.Configuration.IConfiguration>(builder.Configuration);
        ServiceProvider provider = builder.Services.BuildServiceProvider();
        Assert.NotNull(provider.GetRequiredService<IKnowledgeBases>());
        Assert.NotNull(provider.GetRequiredService<IRetriever>());
        Assert.NotNull(provider.GetRequiredService<ISessionClientRegistry>());
        Assert.NotEmpty(provider.GetServices<IHostedService>());
        Exception? thrown = Record.Exception(provider.Dispose);
        Assert.Null(thrown);
    }

    [Fact]
    public async Task Container_DocumentsByScope_NothingOfItTakesAnUnscopedRetriever()
    {
        using var folder = new TempFolder();
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.AddCoach().Rag.WithScopes(folder.Path);
        builder.Services.AddLogging();
        builder.Services.AddSingleton<Microsoft.Extensions.Configuration.IConfiguration>(builder.Configuration);
        await using ServiceProvider provider = builder.Services.BuildServiceProvider();
        provider.GetRequiredService<Microsoft.Extensions.Options.IStartupValidator>().Validate();
        Assert.NotNull(provider.GetRequiredService<Coach.AspNetCore.Sessions.SessionEndpoints>());
        Assert.Throws<InvalidOperationException>(() => provider.GetRequiredService<IRetriever>());

        // A session's documents go with it.
        var session = Coach.Abstractions.SessionId.From("s1");
        var bases = provider.GetRequiredService<IKnowledgeBases>();
        OpenKnowledge open = (await bases.OpenAsync(KnowledgeScope.OfSession(session)))!;
        await open.Knowledge.AddOrUpdateAsync([new KnowledgeDocument("a", "Cats purr.")]);
        Assert.NotEmpty(Directory.GetFiles(folder.Path, "*.coach"));
        await provider.GetRequiredService<Coach.AspNetCore.Sessions.SessionEnd>().EndAsync(session);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }
}
