using Microsoft.Extensions.AI;

namespace Coach.Llm.Pipeline;

/// <summary>Something that a host or a package puts into the pipeline.</summary>
internal sealed record ChatStageRegistration(
    ChatStage Stage, ChatStagePlace Place, Func<IChatClient, ChatPipelineContext, IChatClient> Wrap)
{
    /// <summary>Wraps a client in the registrations of some stages, so that the first stage is outermost.</summary>
    public static IChatClient Build(
        IChatClient inner, ChatPipelineContext context, IEnumerable<ChatStageRegistration> all,
        Func<ChatStageRegistration, bool> isPart)
    {
        var builder = new ChatClientBuilder(inner);

        // A stable sort: what was registered first stands outside within its place.
        foreach (ChatStageRegistration part in all.Where(isPart).OrderBy(part => part.Stage).ThenBy(part => part.Place))
        {
            builder.Use(client => part.Wrap(client, context)
                ?? throw new InvalidOperationException(
                    $"What stands {part.Place} {part.Stage} in the chat pipeline gave null; give the client back to add nothing."));
        }

        return builder.Build(context.Services);
    }
}
