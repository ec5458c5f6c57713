export interface OrgUnit {
  readonly id: string;
  readonly name: string;
  readonly kind?: string;
  readonly limit?: number;
}

export interface OrgSite {
  readonly id: string;
  readonly name: string;
  readonly units: readonly OrgUnit[];
}
