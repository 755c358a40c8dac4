namespace CoExpr

open System
open CoExpr.Kernels

/// The model of groups alone: each group's mean is fitted by itself.
[<RequireQualifiedAccess>]
module internal GroupModel =

    /// The rules of all groups.
    let private nodes threads (sizeFactors: float[]) (genes: GroupedGenes) =
        let nodes = SizeFactorNodes(GroupedGenes.arrange sizeFactors genes, genes.Starts)

        Schedule.blocks threads nodes.Groups ignore (fun () group -> nodes.Fill group)
        nodes

    /// Of the groups with cells, cells less groups.
    let private degrees (sizes: int[]) =
        let groups = sizes |> Array.filter (fun cells -> cells > 0) |> Array.length
        float (max 1 (Array.sum sizes - groups))

    /// Profiles wait here from the pass that finds dispersions for the one that tests.
    let private tester (nodes: SizeFactorNodes) (genes: GroupedGenes) (stored: StoredProfile[]) (tester: FoldTester) =
        let profile = DispersionProfile nodes
        let mutable loaded = -1

        {
            new IGeneTester with
                member _.Load gene =
                    loaded <- gene

                    tester.Load(
                        Span.op_Implicit (genes.Genes.IndicesOf gene),
                        Span.op_Implicit (genes.Genes.ValuesOf gene),
                        genes.Starts
                    )

                member _.Mode(coxReid, values, centre, variance) =
                    profile.Load(stored[loaded], tester.Counts)
                    stored[loaded] <- null
                    DispersionFit.Mode(profile, coxReid, ReadOnlySpan values, centre, variance)

                member _.Fit(dispersion, quasiDispersion, degrees) =
                    tester.Fit(dispersion, quasiDispersion, degrees)

                member _.Mean group = tester.Means[group]

                member _.Stored group =
                    tester.Counts.Bounds[group + 1] - tester.Counts.Bounds[group]

                member _.Compare group = tester.Compare group
        }

    /// The model over the cells of the groups, with size factors of all cells of the input.
    let create threads sizeFactors control test hypothesis (genes: GroupedGenes) : GeneModel =
        let nodes = nodes threads sizeFactors genes
        let sizes = Array.init genes.Labels.Length genes.Size
        let stored: StoredProfile[] = Array.zeroCreate genes.Genes.Lines

        {
            Genes = genes.Genes.Lines
            Sizes = sizes
            Degrees = degrees sizes
            GeneWise =
                fun progress threads options ->
                    let struct (found, profiles) =
                        GeneDispersions.geneWise progress threads options nodes genes

                    profiles.CopyTo(stored, 0)
                    found
            Tester = fun () -> tester nodes genes stored (FoldTester(nodes, control, test, hypothesis))
        }
