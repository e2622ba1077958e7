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
}
