namespace CoExpr

open System
open CoExpr.Kernels

/// The model of groups alone: each group's mean is fitted by itself.
[<RequireQualifiedAccess>]
module internal GroupModel =

    /// The rules of all groups, from one size factor per cell of the input.
    let nodes threads (sizeFactors: float[]) (groups: Groups) =
        let nodes =
            SizeFactorNodes(groups.Order |> Array.map (fun cell -> sizeFactors[cell]), groups.Starts)

        Schedule.blocks threads nodes.Groups ignore (fun () group -> nodes.Fill group)
        nodes

    /// Cells less groups with cells, at least 1, from where the groups start.
    let degrees (starts: int[]) =
        let groups =
            Seq.pairwise starts
            |> Seq.filter (fun (start, next) -> next > start)
            |> Seq.length

        float (max 1 (Array.last starts - groups))

    /// Profiles wait here from the pass that finds dispersions for the one that tests; where that pass was another model's,
    /// they are made again from the counts, with the same bits.
    let private tester (nodes: SizeFactorNodes) (genes: GroupedGenes) (stored: StoredProfile[]) (tester: FoldTester) =
        let profile, counts = DispersionProfile nodes, GeneCounts nodes
        let mutable loaded = -1

        let loadProfile () =
            match stored[loaded] with
            | null ->
                counts.LoadForProfile(genes.Genes.IndicesOf loaded, genes.Genes.ValuesOf loaded, genes.Starts)
                profile.Load counts
            | kept ->
                profile.Load(kept, tester.Counts)
                stored[loaded] <- null

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
                    loadProfile ()
                    DispersionFit.Mode(profile, coxReid, ReadOnlySpan values, centre, variance)

                member _.Fit(groups, dispersion, quasiDispersion) =
                    tester.Fit(groups, dispersion, quasiDispersion)

                member _.Mean group = tester.Means[group]

                member _.Fill(block, at, groups) = tester.Fill(block, at, groups)
                member _.Posterior(group, scale, estimate) = tester.Posterior group scale estimate
        }

    let private cooks (nodes: SizeFactorNodes) order (genes: GroupedGenes) =
        let kernel = GeneCooks(nodes, order)

        {
            new IGeneCooks with
                member _.Load(gene, dispersion, groups, mean) =
                    kernel.Load(
                        Span.op_Implicit (genes.Genes.IndicesOf gene),
                        Span.op_Implicit (genes.Genes.ValuesOf gene)
                    )

                    for group in groups do
                        kernel.Fit(max dispersion GroupFit.LeastDispersion, group, mean group)

                member _.Largest(group, reference, limit) = kernel.Largest(group, reference, limit)

                member _.Cell position = genes.Cells[position]
        }

    /// The model of some genes over the cells of the groups.
    let create (nodes: SizeFactorNodes) control test hypothesis (genes: GroupedGenes) : GeneModel =
        let stored: StoredProfile[] = Array.zeroCreate genes.Genes.Lines

        {
            Genes = genes.Genes.Lines
            Sizes = Array.init genes.Labels.Length genes.Size
            Degrees = degrees genes.Starts
            Coefficients = [||]
            GeneWise =
                fun progress threads options ->
                    let struct (found, profiles) =
                        GeneDispersions.geneWise progress threads options nodes genes

                    profiles.CopyTo(stored, 0)
                    found
            Tester = fun () -> tester nodes genes stored (FoldTester(nodes, control, test, hypothesis))
            Cooks =
                (let order = lazy (FactorOrder(nodes, genes.Starts))
                 Some(fun () -> cooks nodes (order.Force()) genes))
        }
